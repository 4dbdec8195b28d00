"""People to test with: registered in one line, with a device that can sign in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sync.accounts import registration
from sync.database.engine import Database, Session
from sync.sign_in import credentials


@dataclass(frozen=True, slots=True)
class Person:
    """A registered person with one device. *password* is the device's."""

    id: int
    login: str
    password: str


def register(database: Database, login: str = "") -> Person:
    """Register a person; without *login* nobody else has theirs, in any test."""
    chosen = login or f"p{secrets.token_hex(6)}"

    def create(session: Session) -> Person:
        account_id = registration.create(session, chosen)
        _, password = credentials.add_device(session, account_id, "Phone")
        return Person(account_id, chosen, password)

    return database.write(create)
