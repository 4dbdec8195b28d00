"""
Who of a person's own contacts can be found here.

Only who proved a number or address that stands in a contact, and wants to be found by it; and only by whoever wants to
be found in the same way, so that nobody looks at a list that they are not on. Every number and address is counted, so
that nobody reads the directory by making up contacts; and whoever is found is told nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from sync.accounts import contact_addresses
from sync.accounts.rate_limits import DAY, HOUR, Limit, take
from sync.database.engine import Database
from sync.discovery import directory
from sync.discovery.directory import Found
from sync.errors import Refused
from sync.sharing import search_keys
from sync.vcard import headlines

#: How many numbers and addresses are looked for at once; those beyond, in the order of the alphabet, are not.
MOST = 1_000
#: How many may be looked for by one person, from one source, and by all together.
LOOKUPS = Limit("contacts", MOST + MOST // 2, 7 * DAY)
LOOKUPS_OF_SOURCE = Limit("contacts from", 3 * MOST, DAY)
LOOKUPS_OF_ALL = Limit("contacts at all", 30 * MOST, HOUR)


@dataclass(frozen=True, slots=True)
class KnownContact:
    """Somebody who is here, under the names that the person's contacts have for them."""

    found: Found
    names: tuple[str, ...]


def contacts_here(database: Database, viewer_id: int, source: str) -> list[KnownContact]:
    """
    Return who of a person's contacts is here and not connected to them yet, by the contacts' names.

    Numbers are looked for where the person is found by theirs, and e-mail addresses likewise. *source* is where the
    question comes from (see `sync.accounts.rate_limits.source`).

    Raises:
        Refused: The person is found by no number and no address.
        TooManyTries: So many numbers and addresses were looked for already.
    """
    with database.reading() as session:
        channels = found_by(session, viewer_id)
        if not channels:
            raise Refused("Whoever looks at this list is on it: first let others find you by your number or address.")
        contacts = _contacts(session, viewer_id)
    wanted = sorted(address for address in contacts if address[0] in channels)[:MOST]
    if not wanted:
        return []

    def count(session: Session) -> None:
        take(session, LOOKUPS, str(viewer_id), tries=len(wanted))
        take(session, LOOKUPS_OF_SOURCE, source, tries=len(wanted))
        take(session, LOOKUPS_OF_ALL, tries=len(wanted))

    database.write(count)
    with database.reading() as session:
        by_address = directory.find_by_addresses(session, viewer_id, wanted)
    people: dict[int, Found] = {}
    names: dict[int, set[str]] = {}
    for address, holders in by_address.items():
        for each in holders:
            if not each.connected:
                people[each.account_id] = each
                names.setdefault(each.account_id, set()).update(contacts[address])
    result = [KnownContact(each, tuple(sorted(names[account_id]))) for account_id, each in people.items()]
    return sorted(result, key=lambda each: (each.names, each.found.login))


def found_by(session: Session, owner_id: int) -> frozenset[str]:
    """Return the channels, ``sms`` and ``email``, by which a person is found by who has their number or address."""
    kinds = (key.partition(":")[0] for key in search_keys.keys_of(session, owner_id))
    return frozenset(kinds) & {"sms", "email"}


def _contacts(session: Session, viewer_id: int) -> dict[tuple[str, str], set[str]]:
    contacts: dict[tuple[str, str], set[str]] = {}
    for _entry_id, text in contact_addresses.private_cards(session, viewer_id):
        found = contact_addresses.addresses_of_contact(session, text)
        name = headlines.name_of(text) if found else ""
        for address in found:
            contacts.setdefault(address, set()).add(name)
    return contacts
