"""
A person's own contacts, as they look after them: imported, changed, made one where they are there twice, and linked.

What it stores goes through `sync.books.entries`, as if a device had sent it. It must never put anything of somebody's
card that the person was shown into one of these contacts.
"""
