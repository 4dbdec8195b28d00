"""
Revisions of address books: sync tokens, stamps on entries, and the fan-out that carries a changed card to all of them.

Nothing else writes a revision; it may import `sync.database` and what is below. It must never ask who may see what: it
carries what `sync.sharing` decided.
"""
