"""
What people are shown of sharing: lists of their connections, previews of cards, and what changed lately.

It reads what `sync.sharing` decided, and may import that and what is below. It must never change anything.
"""
