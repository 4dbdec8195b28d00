"""
How names are sorted and found: folded, by pinyin and by letters, and what lists know of a card by which they sort it.

It reads texts, and may import `sync.vcard` and `sync.fields`. It must never ask a database, and never decide who may
see what.
"""
