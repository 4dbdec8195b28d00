"""
Which contacts of a person's own may be one person.

Two are proposed where they have a number or an address in common, however it is written, or a name. A switchboard that
many have in common says nothing unless they are called alike as well, as copies of one contact are that were imported
again and again; and neither does what the person said is not one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product

from sqlalchemy.orm import Session

from sync.accounts.contact_addresses import keys_of_contact, private_cards
from sync.contacts import apart
from sync.sorting import names
from sync.vcard import lines_named, read_line
from sync.vcard.headlines import name_of

#: What more contacts than this have in common is a switchboard, and says nothing about a person.
MOST_IN_COMMON = 4
#: So many proposals are enough for now; there are others when these are settled.
MOST = 500
_KINDS = frozenset(("KIND", "X-ADDRESSBOOKSERVER-KIND"))


@dataclass(frozen=True, slots=True)
class Proposal:
    """
    Two contacts that may be one person.

    *because* are the numbers and addresses that both have, normalised; there is none where only the names are alike, or
    where one is how the other is said, as Wang Xiaoming is of 王小明.
    """

    one_id: int
    other_id: int
    one: str
    other: str
    because: tuple[str, ...]
    is_said_alike: bool = False


def proposals(session: Session, viewer_id: int) -> list[Proposal]:
    """
    Return pairs of a person's own contacts that may be one person, those with a number or address in common first.

    Every contact is looked at, so it is for a page that somebody opened and not for every request.
    """
    called: dict[int, str] = {}
    named: dict[int, frozenset[tuple[str, str]]] = {}
    having: dict[tuple[str, str], set[int]] = defaultdict(set)
    said: dict[str, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for entry_id, text in private_cards(session, viewer_id):
        if _is_list(text):
            continue
        called[entry_id] = name_of(text)
        named[entry_id] = frozenset(_name_keys(called[entry_id]))
        for key in keys_of_contact(session, text) | named[entry_id]:
            having[key].add(entry_id)
        is_chinese, ways = names.spoken(called[entry_id])
        for way in ways:
            said[way][is_chinese].add(entry_id)
    because: dict[tuple[int, int], list[str]] = defaultdict(list)
    for (what, value), some in having.items():
        is_name, few = what == "name", len(some) <= MOST_IN_COMMON
        many = () if is_name else _called_alike(some, named)
        for pair in combinations(sorted(some), 2) if few else many:
            because[pair] += [] if is_name else [value]
    alike = _said_alike(said.values()) - because.keys()
    because.update({pair: [] for pair in alike})
    for pair in apart.pairs(session, viewer_id):
        because.pop(pair, None)
    found = [
        Proposal(*pair, called[pair[0]], called[pair[1]], tuple(sorted(why)), pair in alike)
        for pair, why in because.items()
    ]
    found.sort(
        key=lambda each: (
            not each.because,
            each.is_said_alike,
            *names.sorting_key(each.one),
            each.one_id,
            each.other_id,
        )
    )
    return found[:MOST]


def _is_list(text: str) -> bool:
    """Whether a card is a list of people, as phones keep their groups."""
    lines = lines_named(text, _KINDS)
    return any(read_line(line).value.strip().lower() == "group" for line in lines or ())


def _name_keys(name: str) -> Iterable[tuple[str, str]]:
    """The whole name in whatever order; a single word, such as Mum, is one that many people are called by."""
    words = names.fold(name).split()
    if len(words) > 1 or (words and len(words[0]) > 1 and not words[0].isascii()):
        keys = names.keys_of_query(name)
        yield from (("name", key) for key in keys[-1:])


def _called_alike(some: Iterable[int], named: Mapping[int, frozenset[tuple[str, str]]]) -> Iterator[tuple[int, int]]:
    """
    Return pairs of those among many that have a number in common whose name is the same, too: one person many times.

    Each is paired with the first of them, since all pairs of many would be too many to look at.
    """
    first: dict[frozenset[tuple[str, str]], int] = {}
    for entry_id in sorted(some):
        if named[entry_id] and (known := first.setdefault(named[entry_id], entry_id)) != entry_id:
            yield known, entry_id


def _said_alike(said: Iterable[tuple[set[int], set[int]]]) -> set[tuple[int, int]]:
    """
    Return the pairs of a name in Chinese characters and one in Latin letters that are said alike.

    Two in characters that are said alike are two people as a rule, and what too many are called is nobody's.
    """
    few = ((latin, chinese) for latin, chinese in said if len(latin) + len(chinese) <= MOST_IN_COMMON)
    return {(min(pair), max(pair)) for latin, chinese in few for pair in product(latin, chinese)}
