"""Devices that show groups as lists, and what a device sees of them."""

from __future__ import annotations

from collections.abc import Mapping

from sync.database.engine import Database
from sync.sharing import phone_lists
from sync.sign_in import credentials
from sync.vcard import parse_one, split_structured, uids
from tests.support import dav, forms
from tests.support.site import Site, Transport

#: How the programs name themselves that read lists in ways of their own.
PHONE, THUNDERBIRD = "iOS/18.4 (22E240) dataaccessd/1.0", "Mozilla/5.0 Thunderbird/153.7.0"


def device(site: Site, account_id: int, login: str, choice: str | None, user_agent: str = PHONE) -> dav.Client:
    """Let one more device of a person in, which shows lists as *choice* says."""
    return let_in(site, account_id, login, choice, user_agent)[1]


def let_in(
    site: Site, account_id: int, login: str, choice: str | None, user_agent: str = PHONE
) -> tuple[int, dav.Client]:
    """Do what `device` does, and return the id of the device as well."""
    device_id, password = site.database.write(lambda session: credentials.add_device(session, account_id, "Phone"))
    if choice is not None:
        choose(site.database, account_id, choice, device_id)
    http = dav.http(forms.ORIGIN, transport=Transport(site))
    return device_id, dav.Client(http, login, password, user_agent=user_agent)


def choose(database: Database, account_id: int, choice: str | None, device_id: int | None = None) -> None:
    """Choose lists for a device of somebody's, for all where none is named."""
    with database.reading() as session:
        there = [each.id for each in credentials.devices(session, account_id)]
    for each in there if device_id is None else [device_id]:
        database.write(lambda session, each=each: phone_lists.choose(session, account_id, each, choice))  # type: ignore[misc]


def lists_in(cards: Mapping[str, dav.Card]) -> dict[str, set[str]]:
    """Return the lists that a device has, by name: the UIDs of their members, without their prefix."""
    found: dict[str, set[str]] = {}
    for card in cards.values():
        said = parse_one(card.text or "")
        if any(each.value == "group" for name in ("KIND", "X-ADDRESSBOOKSERVER-KIND") for each in said.all(name)):
            members = [each.value for name in ("MEMBER", "X-ADDRESSBOOKSERVER-MEMBER") for each in said.all(name)]
            assert all(each.startswith("urn:uuid:") for each in members)
            found[split_structured((said.first("FN") or said.properties[0]).value)[0][0]] = {
                uids.bare(each) for each in members
            }
    return found


def categories_in(cards: Mapping[str, dav.Card]) -> dict[str, set[str]]:
    """Return the categories of the cards that a device has, by UID; cards without any are left out."""
    found = {}
    for card in cards.values():
        said = parse_one(card.text or "")
        names = {name for line in said.all("CATEGORIES") for part in split_structured(line.value) for name in part}
        if names:
            found[said.uid or ""] = names
    return found


def href_of(cards: Mapping[str, dav.Card], name: str) -> str:
    """Return where the list of this name is."""
    (href,) = [href for href, card in cards.items() if name in lists_in({href: card})]
    return href
