"""
Profiles: the fields that people keep about themselves, edited one by one or as a whole card.

It turns edits into a change of `sync.sharing`, and may import that and what is below. It must never write a card or a
revision by itself.
"""
