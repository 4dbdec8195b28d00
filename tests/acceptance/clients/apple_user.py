"""What somebody does on an iPhone or a Mac, in one line each."""

from __future__ import annotations

import uuid
from typing import TypeVar

from tests.acceptance.clients.apple import Apple
from tests.acceptance.clients.apple_cards import Contact

Device = TypeVar("Device", bound=Apple)


def installed(device: Device) -> Device:
    """Add the account and synchronize."""
    device.set_up()
    device.sync()
    return device


def polled(device: Apple) -> list[str]:
    """Synchronize without a refusal, and return the methods of the requests that were made."""
    before = len(device.wire.exchanges)
    device.sync()
    assert device.blocked == []
    return [method for method, _ in device.wire.requests(before)]


def person(name: str, *numbers: str) -> Contact:
    """Return a new contact; *name* is family and given name with a semicolon in between."""
    contact = Contact(str(uuid.uuid4()).upper(), name=f"{name};;;")
    for number in numbers:
        contact.add("TEL", number, "CELL")
    return contact


def group(name: str, *members: Contact) -> Contact:
    """Return a new list of contacts."""
    contact = Contact(str(uuid.uuid4()).upper(), name=f"{name};;;;")
    contact.single["X-ADDRESSBOOKSERVER-KIND"] = "group"
    contact.members = [f"urn:uuid:{member.uid}" for member in members]
    return contact
