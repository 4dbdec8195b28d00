"""
Who may see what of whom: groups, grants, exceptions, connections, and the cards that follow from them.

Everything that alters what an owner shows is one change (`sync.sharing.changes`), which renders, compares and hands on
to `sync.revisions`; it may import `sync.disclosure` and what is below. It must never know what a device sends, or who
signs in how.
"""
