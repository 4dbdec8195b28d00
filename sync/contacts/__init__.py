"""
A person's own contacts, as they look after them: changed field by field, and those that are there twice made one.

What it stores goes through `sync.books.entries`, as if a device had sent it. It never reads anybody's card but the
person's own contacts, so nothing that somebody showed them can get into these.
"""
