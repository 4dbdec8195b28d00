"""
WebDAV-Push: who registered to be told when a collection changes, what is news to them, and how they are told.

Whoever changes something notes in the same transaction for whom that is news (`news`). The worker finds them, looks at
what there is to say at that moment, and says it to the push service that the device named (`delivery`).

It may import `sync.notify` and what is below. It must never decide who sees what: what a message says is read when it
is sent.
"""
