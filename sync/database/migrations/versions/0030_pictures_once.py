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
    for table, key, texts in (
        ("card", ("owner_id", "id"), {"body_3": "at_3", "body_4": "at_4"}),
        ("field_state", ("owner_id", "field_id", "since"), {"content": "at"}),
    ):
        _put_in(table, key, texts)
        for name in ("picture", *texts.values()):
            op.drop_column(table, name)
    op.execute(sa.delete(_SECRETS).where(_SECRETS.c.name == _NOTED))
    op.drop_table("picture")


def _put_in(name: str, key: tuple[str, ...], texts: dict[str, str]) -> None:
    """Put the pictures into the rows of a table again."""
    rows = sa.table(name, *map(sa.column, (*key, "picture", *texts, *texts.values())))
    pictures = sa.table("picture", *map(sa.column, ("owner_id", "digest", "data")))
    named = (pictures.c.owner_id == rows.c.owner_id) & (pictures.c.digest == rows.c.picture)
    whole = _folded_in if name == "card" else _put
    columns = [rows.c[each] for each in (*key, *texts, *texts.values())]
    connection = op.get_bind()
    for *row, data in connection.execute(sa.select(*columns, pictures.c.data).join(pictures, named)).all():
        said = dict(zip([column.name for column in columns], row, strict=True))
        put = {text: whole(said[text], said[at], data) for text, at in texts.items()}
        connection.execute(sa.update(rows).where(*(rows.c[each] == said[each] for each in key)).values(put))


def _put(text: str, at: int, data: str) -> str:
    return text[:at] + data + text[at:]


def _folded_in(text: str, at: int, data: str) -> str:
    """Put a picture into a card, whose lines have 75 octets; what follows the first begins with a space."""
    room = max(0, 75 - (at - text.rfind("\n", 0, at) - 1))
    lines = [data[:room], *(data[place : place + 74] for place in range(room, len(data), 74))]
    return _put(text, at, "\r\n ".join(lines))
