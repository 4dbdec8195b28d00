"""Devices that show groups as lists, and what a device sees of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync.database.engine import Database
from sync.sharing import grants, groups, phone_lists
from sync.sharing.phone_lists import Proposal
from sync.sign_in import credentials
from sync.vcard import parse_one, split_structured, uids
from tests.support import dav, factories, forms
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


@dataclass
class Scene:
    """Anna, whose group Friends has bert in it; carl is in none. *bert* and *carl* are the UIDs of their cards."""

    site: Site
    ids: dict[str, int]
    friends: int
    bert: str
    carl: str

    def device(self, choice: str | None, user_agent: str = PHONE) -> dav.Client:
        """Let one more device of hers in."""
        return device(self.site, self.ids["anna"], "anna", choice, user_agent)

    def replica(self, choice: str | None, style: dav.Style = "data", user_agent: str = PHONE) -> dav.Replica:
        """Return what one more device of hers has."""
        replica = dav.Replica(self.device(choice, user_agent), style)
        replica.sync()
        return replica

    def put_into(self, name: str, group_id: int | None = None) -> None:
        """Put somebody into Friends, or another group."""
        group = self.friends if group_id is None else group_id
        self.site.database.write(lambda session: groups.add_member(session, self.ids["anna"], group, self.ids[name]))

    def take_out(self, name: str) -> None:
        """Take somebody out of Friends."""
        self.site.database.write(
            lambda session: groups.remove_member(session, self.ids["anna"], self.friends, self.ids[name])
        )

    def rename(self, name: str) -> None:
        """Give Friends another name."""
        self.site.database.write(lambda session: groups.rename(session, self.ids["anna"], self.friends, name))

    def proposals(self) -> list[tuple[str, int, bool]]:
        """Return what her devices propose."""
        with self.site.database.reading() as session:
            found: list[Proposal] = list(phone_lists.proposals(session, self.ids["anna"]))
        return [(each.group, each.person_id, each.is_in) for each in found]

    def members(self) -> list[int]:
        """Return who is in Friends."""
        with self.site.database.reading() as session:
            return list(groups.members(session, self.ids["anna"], self.friends))


def scene_on(site: Site) -> Scene:
    """Register anna, bert and carl."""
    ids = dict(zip(("anna", "bert", "carl"), factories.connected(site.database, "anna", "bert", "carl"), strict=True))
    anna = ids["anna"]
    for name in ("bert", "carl"):
        field = factories.field(site.database, ids[name], "name", name.title())
        strangers = factories.strangers(site.database, ids[name])
        site.database.write(
            lambda session, owner=ids[name], group=strangers, field=field: grants.grant(session, owner, group, [field])  # type: ignore[misc]
        )
    mobile = factories.field(site.database, anna)
    friends = factories.group(site.database, anna, "Friends", [ids["bert"]], [mobile])
    uids = {
        name: entry.uid
        for name in ("bert", "carl")
        if (entry := factories.served(site.database, anna, ids[name])) is not None
    }
    return Scene(site, ids, friends, uids["bert"], uids["carl"])
