"""
Statements on their way to PostgreSQL, several at once, beside its driver.

It knows libpq, and neither the engine nor SQLAlchemy; `sync.database.prepared` alone uses it.
"""
