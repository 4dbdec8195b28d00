"""
What all tables have in common: plain types, named constraints, and the column that spreads their rows over machines.

The rules (each is checked by a test over the table definitions):

- Every table says in ``info["spread_by"]`` which column decides where a row lives; that column leads the primary key,
  every unique
  constraint and every index.
- A small table that is hardly ever written and always needed says ``info["everywhere"]``: each machine has a copy.
- Ids are made in Python (`new_id`), never by a sequence; times are whole seconds since 1970 in UTC; no type that only
  one
  database knows.
- A foreign key stays inside one person's rows. What refers to another person's rows is a plain column.
"""

from __future__ import annotations

import secrets
import time
from typing import Annotated

from sqlalchemy import BigInteger, MetaData, String
from sqlalchemy.orm import DeclarativeBase, mapped_column

Id = Annotated[int, mapped_column(BigInteger)]
#: Whole seconds since 1970-01-01T00:00:00Z.
Moment = Annotated[int, mapped_column(BigInteger)]
#: A number that only rises, such as an address book's revision.
Counter = Annotated[int, mapped_column(BigInteger)]
#: A short word out of a fixed set, such as an entry's state.
Word = Annotated[str, mapped_column(String(16))]
#: Hexadecimal digits of a hash.
Digest = Annotated[str, mapped_column(String(64))]


class Base(DeclarativeBase):
    """The parent of all models."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def new_id() -> int:
    """Return a random id of 63 bits that is never 0."""
    return secrets.randbelow(2**63 - 1) + 1


def now() -> int:
    """Return the current time as a `Moment`."""
    return int(time.time())
