"""
everybody one is connected to

Every person gets the built-in group of all their connections. Nothing is granted to it, so nobody sees more or less.
"""

from __future__ import annotations

import secrets
import time

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

PAGE = 1_000
KIND = "connections"
GROUPS = sa.table(
    "contact_group",
    sa.column("owner_id", sa.BigInteger),
    sa.column("id", sa.BigInteger),
    sa.column("kind", sa.String),
    sa.column("name", sa.String),
    sa.column("name_key", sa.String),
    sa.column("created_at", sa.BigInteger),
)
PROFILES = sa.table("profile", sa.column("owner_id", sa.BigInteger))


def upgrade() -> None:
    """Apply the step."""
    connection = op.get_bind()
    at, last = int(time.time()), -1
    while True:
        page = sa.select(PROFILES.c.owner_id).where(PROFILES.c.owner_id > last).order_by(PROFILES.c.owner_id)
        owners = connection.scalars(page.limit(PAGE)).all()
        if not owners:
            return
        last = owners[-1]
        taken = _taken(connection, owners[0], last)
        connection.execute(sa.insert(GROUPS), [_row(owner_id, taken.get(owner_id, set()), at) for owner_id in owners])


def _taken(connection: sa.Connection, first: int, last: int) -> dict[int, set[str]]:
    # Somebody may have made a group of this name for themselves; that one keeps it.
    alike = sa.select(GROUPS.c.owner_id, GROUPS.c.name_key).where(
        GROUPS.c.owner_id.between(first, last), GROUPS.c.name_key.like(f"%{KIND}%")
    )
    found: dict[int, set[str]] = {}
    for owner_id, name_key in connection.execute(alike):
        found.setdefault(owner_id, set()).add(name_key)
    return found


def _row(owner_id: int, taken: set[str], at: int) -> dict[str, object]:
    names = [KIND, *(f"all {KIND}{' ' * bool(number)}{number or ''}" for number in range(len(taken) + 1))]
    name = next(name for name in names if name not in taken)
    group_id = secrets.randbelow(2**63 - 1) + 1
    return {"owner_id": owner_id, "id": group_id, "kind": KIND, "name": name, "name_key": name, "created_at": at}


def downgrade() -> None:
    """Take the step back."""
    op.get_bind().execute(sa.delete(GROUPS).where(GROUPS.c.kind == KIND))
