"""
Statements on their way to PostgreSQL, beside its driver: several at once, or one with its answer at once.

It knows libpq, and neither the engine nor SQLAlchemy; `sync.database.prepared` and `sync.database.quick` alone use it.
"""
