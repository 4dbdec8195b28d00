"""
How cards and contacts stand in lists, and what they are found by: read out of the text that is shown, and of no other.

So nobody is found by what whoever looks for them may not see. Whoever stores such a text stores its keys with it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import NamedTuple

from sync.errors import InvalidInput
from sync.fields import FieldContent
from sync.sorting import names
from sync.vcard import headlines

#: Between two texts in one column; no name has it in it, as it is no character that a client may get.
APART = "\x1f"
#: What `ListKeys.number_key` is where there is neither a number nor an address.
NO_NUMBER = b"\x01"


class Numbers(NamedTuple):
    """The numbers and addresses of such keys; the columns are those of `sync.models.list_keys.Listed`."""

    number_key: bytes
    reached: str
    digits: str


class ListKeys(NamedTuple):
    """What lists know of a text, with the columns of `sync.models.list_keys.Listed`."""

    sort_key: bytes
    number_key: bytes
    called: str
    keys: str
    spelled: str
    reached: str
    digits: str


def of_card(body: str, login: str) -> ListKeys:
    """Return the keys of a card, *body* in vCard 3.0, of somebody with this *login*."""
    name = headlines.name_in(body) or login
    # Whoever looks for a name in Latin letters types it.
    keys, spelled = ("", "") if name.isascii() else (_keys(name), _spelled(name))
    said = headlines.said_in(body)
    number_key, reached, digits = _numbers(headlines.reach_among(said), said)
    sort_key = b"\0".join((_sort_key(name), login.encode()))
    return ListKeys(sort_key, number_key, f"{names.fold(name)}{APART}{login}", keys, spelled, reached, digits)


def of_contact(text: str) -> ListKeys:
    """Return the keys of a contact of somebody's own, whatever *text* it is."""
    return of_headline(*headlines.headline(text))


def of_headline(name: str, reaches: Sequence[str]) -> ListKeys:
    """Return the keys of a contact that is called *name* and has these numbers, and behind them these addresses."""
    number_key, reached, digits = _numbers("".join(reaches[:1]), [" ".join(reaches)])
    return ListKeys(_sort_key(name), number_key, names.fold(name), _keys(name), _spelled(name), reached, digits)


def of_overlay(text: str) -> Numbers:
    """Return the numbers and addresses in the *text* of an overlay, none where it cannot be read."""
    try:
        added = [FieldContent.load(kind, content) for kind, content in json.loads(text)]
    except (InvalidInput, ValueError, TypeError):
        added = []
    return _numbers(reach_added(added), [each.text() for each in added if each.main.name in ("TEL", "EMAIL")])


def reach_added(added: Sequence[FieldContent]) -> str:
    """Return a number that somebody added to a card, or else an address."""
    for name in ("TEL", "EMAIL"):
        for content in added:
            if content.main.name == name and (value := content.text().strip()):
                return value
    return ""


def digits_of(text: str) -> str:
    """Return the digits in a text."""
    return "".join(filter(str.isdigit, text))


def _numbers(reach: str, said: Sequence[str]) -> Numbers:
    is_last, text = names.number_key(reach)
    number_key = bytes([is_last]) + text.encode(errors="replace")
    # PostgreSQL keeps no text with that character, which a device may have put into its own contact.
    reached = APART.join(each.casefold().replace("\0", APART) for each in said)
    return Numbers(
        number_key, reached.encode(errors="replace").decode(), APART.join(filter(None, map(digits_of, said)))
    )


@functools.lru_cache(1_024)
def _sort_key(name: str) -> bytes:
    # Bytes of UTF-8 are in the order of the characters.
    return b"\0".join(part.encode() for part in names.sorting_key(name))


@functools.lru_cache(1_024)
def _keys(name: str) -> str:
    return APART.join(["", *sorted(names.keys_of(name)), ""])


@functools.lru_cache(1_024)
def _spelled(name: str) -> str:
    return APART.join(sorted(names.spelled(name)))
