"""
The directory: how people find somebody who wants to be found.

Nobody, somebody who is hidden and somebody who blocked whoever looks are answered alike, by the same statements. What
is found is what strangers may see. `search` is the door for people: it counts before it looks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import models
from sync.accounts import addresses
from sync.accounts.rate_limits import DAY, HOUR, Limit, take
from sync.database import accounts
from sync.database.engine import Database, among
from sync.discovery import refusals
from sync.discovery.public_profiles import PublicProfile, public_profiles
from sync.fields import FieldContent
from sync.models import OUT, WAITING, Connection, Request, SearchKey
from sync.sharing import search_keys
from sync.sharing.preferences import ANYONE, CONFIRM, QUESTION
from sync.sorting import names

#: So many people are found at most, so that nobody reads the directory by looking for common names.
MOST = 20
#: How often one person, one source and all together may look. People look for somebody; programs look for everybody.
SEARCHES = Limit("search", 30, HOUR)
SEARCHES_A_DAY = Limit("search, by day", 100, DAY)
SEARCHES_OF_SOURCE = Limit("search from", 200, HOUR)
SEARCHES_OF_ALL = Limit("search at all", 20_000, HOUR)
_LONGEST = 254


@dataclass(frozen=True, slots=True)
class Found:
    """
    Somebody who was found, and how to get connected to them.

    *stranger* is what anybody may see of them. *connecting* is one of `sync.sharing.preferences.CONNECTING`; whoever
    lets nobody is not found, but may be a public friend. *asked* says that whoever looks has asked them already, and
    waits.
    """

    stranger: PublicProfile
    connecting: str
    question: str | None
    connected: bool
    asked: bool

    @property
    def account_id(self) -> int:
        """Who it is."""
        return self.stranger.account_id

    @property
    def login(self) -> str:
        """Their login."""
        return self.stranger.login

    @property
    def name(self) -> str:
        """What strangers may call them."""
        return self.stranger.name

    @property
    def fields(self) -> tuple[FieldContent, ...]:
        """What strangers may see of them."""
        return self.stranger.fields


def search(database: Database, searcher_id: int, text: str, source: str) -> list[Found]:
    """
    Return who is found by *text*, after counting that somebody at *source* looked.

    *source* is as `sync.accounts.rate_limits.source` makes it.

    Raises:
        TooManyTries: This person, this source, or all together looked too often.
    """
    return search_any(database, searcher_id, [text], source)


def search_any(database: Database, searcher_id: int, texts: Sequence[str], source: str) -> list[Found]:
    """
    Return who is found by any of *texts*, which are what a phone made of what somebody typed.

    The words of a name are counted as one look together, and each number and e-mail address as one more: a name has
    several words, and nobody needs several numbers to look for one person.

    Raises:
        TooManyTries: As in `search`.
    """

    def count(session: Session) -> None:
        looks = _looks(session, texts)
        take(session, SEARCHES, str(searcher_id), tries=looks)
        take(session, SEARCHES_A_DAY, str(searcher_id), tries=looks)
        take(session, SEARCHES_OF_SOURCE, source, tries=looks)
        take(session, SEARCHES_OF_ALL, tries=looks)

    database.write(count)
    with database.reading() as session:
        found = {each.account_id: each for text in texts for each in find(session, searcher_id, text)}
    return list(found.values())[:MOST]


def find(session: Session, searcher_id: int, text: str) -> list[Found]:
    """Return who has exactly this login, e-mail address, phone number or name, and wants to be found by it."""
    holders = _holders(session, keys_of(session, text))
    return found_among(session, searcher_id, [account_id for _, account_id in holders])[:MOST]


def find_by_addresses(
    session: Session, searcher_id: int, wanted: Collection[tuple[str, str]]
) -> dict[tuple[str, str], list[Found]]:
    """
    Return by channel and normalised address who wants to be found by it; addresses of nobody are left out.

    The caller counts what is looked for: each address is worth a search.
    """
    keys = {f"{channel}:{value}": (channel, value) for channel, value in wanted}
    holders = _holders(session, list(keys))
    found = {each.account_id: each for each in found_among(session, searcher_id, [who for _, who in holders])}
    by_address: dict[tuple[str, str], list[Found]] = {}
    for key, account_id in holders:
        if account_id in found:
            by_address.setdefault(keys[key], []).append(found[account_id])
    return by_address


def keys_of(session: Session, text: str) -> list[str]:
    """Return the keys that somebody who types *text* looks for, the most exact first."""
    text = text.strip()
    if len(text) > _LONGEST:
        return []
    keys = [search_keys.LOGIN + text.lower()] if accounts.is_possible(text.lower()) else []
    address = addresses.meant_by(session, text)
    if address is not None:
        keys.append(f"{address[0]}:{address[1]}")
    return keys + [search_keys.NAME + key for key in names.keys_of_query(text)]


def found_among(session: Session, searcher_id: int, account_ids: Sequence[int]) -> list[Found]:
    """
    Return these people as *searcher_id* finds them, in this order, without those between whom and them is a block.

    The same statements are sent whoever and however many they are.
    """
    barred = refusals.barred(session, searcher_id, account_ids)
    ids = [each for each in dict.fromkeys(account_ids) if each not in barred and each != searcher_id]
    refused = refusals.refusing(session, searcher_id, ids)
    connected = set(
        session.scalars(
            select(Connection.viewer_id).where(
                Connection.owner_id == searcher_id, among(session, Connection.viewer_id, ids)
            )
        )
    )
    asked = set(
        session.scalars(
            select(Request.other_id).where(
                Request.owner_id == searcher_id,
                Request.direction == OUT,
                Request.state == WAITING,
                among(session, Request.other_id, ids),
            )
        )
    )
    stored = models.Preferences
    decided = {
        owner_id: (connecting, question)
        for owner_id, connecting, question in session.execute(
            select(stored.owner_id, stored.connecting, stored.question).where(among(session, stored.owner_id, ids))
        )
    }
    people = public_profiles(session, ids)
    result = []
    for account_id in ids:
        connecting, question = decided.get(account_id, (CONFIRM, None))
        if account_id not in people:
            continue
        if connecting == ANYONE and account_id in refused:
            # They are not told; what they ask goes nowhere.
            connecting = CONFIRM
        result.append(
            Found(
                people[account_id],
                connecting,
                question if connecting == QUESTION else None,
                account_id in connected,
                account_id in asked,
            )
        )
    return result


def _looks(session: Session, texts: Sequence[str]) -> int:
    meant = [addresses.meant_by(session, text) if len(text) <= _LONGEST else None for text in texts]
    numbers = {address for address in meant if address is not None}
    return max(1, len(numbers) + (None in meant))


def _holders(session: Session, keys: Sequence[str]) -> list[tuple[str, int]]:
    # Few have the same login, address or number, so one common name cannot take their places: names are cut first.
    found: list[tuple[str, int]] = []
    for key in keys:
        holding = select(SearchKey.key, SearchKey.account_id).where(SearchKey.key == key)
        found += [(row.key, row.account_id) for row in session.execute(holding.order_by("account_id").limit(2 * MOST))]
    return found
