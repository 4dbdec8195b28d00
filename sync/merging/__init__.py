"""
Cards that come back from devices: what in them is whose, and which line is which field.

It compares fields and cards as texts that mean something, and may import `sync.vcard` and `sync.fields`. It must never
ask a database, and never decide who may see what.
"""
