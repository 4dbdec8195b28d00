"""
What an address book holds, as its owner's devices read and write it: entries, overlays, versions, import and export.

A whole card that comes in is taken apart here and handed to the room that it concerns; it may import `sync.accounts`
and what is below. It must never show a field that `sync.sharing` did not put into a card.
"""
