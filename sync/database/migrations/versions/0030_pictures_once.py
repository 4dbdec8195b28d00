"""
pictures once

Each picture is kept for itself, and cards and what fields were name it. The version before reads no such card; so what
is there stays as it is, and all that is written is written whole, until it is sure not to run any more: for a day. In a
database of nobody it never ran.
"""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

#: For so many seconds processes of the version before may still run.
_DAY = 86_400
_SECRETS = sa.table("server_secret", sa.column("name", sa.String), sa.column("value", sa.LargeBinary))
_NOTED = "pictures_apart_from"


def upgrade() -> None:
    """Apply the step."""
    op.create_table(
        "picture",
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["profile.owner_id"], name="fk_picture_profile", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("owner_id", "digest", name="pk_picture"),
    )
    op.add_column("card", sa.Column("picture", sa.String(length=64)))
    op.add_column("card", sa.Column("at_3", sa.Integer()))
    op.add_column("card", sa.Column("at_4", sa.Integer()))
    op.add_column("field_state", sa.Column("picture", sa.String(length=64)))
    op.add_column("field_state", sa.Column("at", sa.Integer()))
    if op.get_bind().execute(sa.text("SELECT 1 FROM account LIMIT 1")).first() is not None:
        later = str(int(time.time()) + _DAY).encode()
        op.execute(sa.insert(_SECRETS).values(name=_NOTED, value=later))


def downgrade() -> None:
    """Take the step back."""
    connection = op.get_bind()
    for owner_id, card_id, body_3, body_4, at_3, at_4, data in connection.execute(sa.text(_CARDS)).all():
        bodies = {"body_3": _folded_in(body_3, at_3, data), "body_4": _folded_in(body_4, at_4, data)}
        connection.execute(sa.text(_CARD), {"owner": owner_id, "id": card_id, **bodies})
    for owner_id, field_id, since, content, at, data in connection.execute(sa.text(_STATES)).all():
        key = {"owner": owner_id, "id": field_id, "since": since}
        connection.execute(sa.text(_STATE), {**key, "content": _put(content, at, data)})
    for table, columns in (("card", ("picture", "at_3", "at_4")), ("field_state", ("picture", "at"))):
        for column in columns:
            op.drop_column(table, column)
    op.execute(sa.delete(_SECRETS).where(_SECRETS.c.name == _NOTED))
    op.drop_table("picture")


_CARDS = """
SELECT t.owner_id, t.id, t.body_3, t.body_4, t.at_3, t.at_4, p.data
FROM card t JOIN picture p ON p.owner_id = t.owner_id AND p.digest = t.picture
"""
_CARD = "UPDATE card SET body_3 = :body_3, body_4 = :body_4 WHERE owner_id = :owner AND id = :id"
_STATES = """
SELECT t.owner_id, t.field_id, t.since, t.content, t.at, p.data
FROM field_state t JOIN picture p ON p.owner_id = t.owner_id AND p.digest = t.picture
"""
_STATE = "UPDATE field_state SET content = :content WHERE owner_id = :owner AND field_id = :id AND since = :since"


def _put(text: str, at: int, data: str) -> str:
    return text[:at] + data + text[at:]


def _folded_in(text: str, at: int, data: str) -> str:
    """Put a picture into a card, whose lines have 75 octets; what follows the first begins with a space."""
    room = max(0, 75 - (at - text.rfind("\n", 0, at) - 1))
    lines = [data[:room], *(data[place : place + 74] for place in range(room, len(data), 74))]
    return _put(text, at, "\r\n ".join(lines))
