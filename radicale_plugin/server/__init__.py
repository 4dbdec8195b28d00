"""The server: the WSGI application, what stands around it, and the processes that serve it."""
