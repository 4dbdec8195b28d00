"""What somebody does on a phone with DAVx5, in one line each."""

from __future__ import annotations

import uuid

from tests.acceptance.clients.davx5 import Book, DAVx5, Local
from tests.acceptance.clients.davx5_cards import Contact
from tests.acceptance.clients.wire import Wire


def installed(wire: Wire) -> DAVx5:
    """Return an account that was set up and has synchronized."""
    phone = DAVx5(wire)
    phone.set_up()
    phone.sync(book_of(phone))
    return phone


def book_of(phone: DAVx5) -> Book:
    """Return the address book of the connections."""
    return phone.books[f"{phone.home}contacts/"]


def card(phone: DAVx5, path: str) -> Local:
    """Return what the phone has of the card at a path."""
    found = book_of(phone).named(path.rsplit("/", 1)[1])
    assert found is not None
    return found


def synced(phone: DAVx5) -> list[str]:
    """Synchronize without an error, and return the methods of the requests that were made."""
    before = len(phone.wire.exchanges)
    phone.sync(book_of(phone))
    assert phone.errors == []
    return [method for method, _ in phone.wire.requests(before)]


def added(phone: DAVx5, name: str) -> Local:
    """Add a contact on the phone; it is not synchronized yet."""
    local = Local(Contact(str(uuid.uuid4()), name=name), dirty=True)
    local.contact.add("TEL", "+49 555 0123", "cell")
    book_of(phone).cards.append(local)
    return local
