"""
The database: engine, transactions, migrations, the server's own keys, and accounts as rows.

Every statement of the engine runs on what is here; it may import the pure rooms only. It must never decide what
anybody may see, nor write a revision.
"""
