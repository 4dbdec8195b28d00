"""
What was disclosed: which values of whose fields a viewer was ever shown, so that what comes back is recognised.

It may import `sync.revisions` and what is below. It must never decide who sees what, and never forget a value that some
device may still send back.
"""
