"""The If header, RFC 4918, 10.4: states of resources, in any of which a request is to be done."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from radicale_plugin.dav.conditions import unmarked
from radicale_plugin.dav.errors import DavError

_PART = re.compile(r"\s*+(?:(\()|(\))|(not)(?![\w.-])|<([^<>\s]++)>|\[((?:W/)?\"[^\"]*+\")\])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Condition:
    """That a resource has an entity tag, in quotes, or a state token, which is a URI; *negated*, that it has not."""

    state: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class StateList:
    """Conditions that must all be met by the resource at *url*, as it was sent; an empty one is that of the request."""

    url: str
    conditions: tuple[Condition, ...]


IfHeader = tuple[StateList, ...]


def read_if(header: str) -> IfHeader:
    """
    Read the header.

    Raises:
        DavError: 400, because a condition that cannot be read must not count as none.
    """
    lists: list[StateList] = []
    url, negated, position = "", False, 0
    inside: list[Condition] | None = None
    while (part := _PART.match(header, position)) is not None:
        opened, closed, negation, coded, entity_tag = part.groups()
        if negated and not (coded or entity_tag):
            raise _unreadable()
        position = part.end()
        if inside is None:
            if coded and (url or not lists):
                url = coded
            elif opened:
                inside = []
            else:
                raise _unreadable()
        elif closed and inside:
            lists.append(StateList(url, tuple(inside)))
            inside = None
        elif negation:
            negated = True
        elif coded or entity_tag:
            inside.append(Condition(coded or entity_tag, negated))
            negated = False
        else:
            raise _unreadable()
    if inside is not None or not lists or header[position:].strip():
        raise _unreadable()
    return tuple(lists)


def holds(header: IfHeader, states_of: Callable[[str], frozenset[str]]) -> bool:
    """Whether the conditions of any list are all met; *states_of* says what entity tags and tokens a URL has now."""
    return any(
        all((unmarked(one.state) in states_of(each.url)) is not one.negated for one in each.conditions)
        for each in header
    )


def _unreadable() -> DavError:
    return DavError(400, "The If header of this request cannot be read, so nothing was done.")
