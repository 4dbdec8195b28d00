"""
Which cards an addressbook-query finds, RFC 6352, 10.5.

Filters are applied to the very text that the person would be served, so nothing can be found by what is hidden.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from radicale_plugin.dav.filter_xml import ParamFilter, PropFilter, TextMatch
from sync.errors import InvalidVCard
from sync.vcard import Property, parse_one, unescape


def matches(filters: Sequence[PropFilter], card: str, *, all_of: bool) -> bool:
    """Whether *card* passes *filters*. A text that is no vCard does only where there is no filter."""
    if not filters:
        return True
    try:
        properties = parse_one(card).properties
    except InvalidVCard:
        return False
    test = all if all_of else any
    return test(_property_filter(wanted, properties) for wanted in filters)


def _property_filter(wanted: PropFilter, properties: tuple[Property, ...]) -> bool:
    group, _, name = wanted.name.rpartition(".")
    named = [
        line for line in properties if line.name == name.upper() and (not group or line.group.lower() == group.lower())
    ]
    if wanted.is_not_defined:
        return not named
    if not wanted.matches and not wanted.params:
        return bool(named)
    return any(_instance(wanted, line) for line in named)


def _instance(wanted: PropFilter, line: Property) -> bool:
    value = unescape(line.value)
    results = [_text(match, value) for match in wanted.matches]
    results += [_param_filter(param, line) for param in wanted.params]
    return all(results) if wanted.all_of else any(results)


def _param_filter(wanted: ParamFilter, line: Property) -> bool:
    values = [value for name, listed in line.params if name == wanted.name.upper() for value in listed]
    present = any(name == wanted.name.upper() for name, _ in line.params)
    if wanted.is_not_defined:
        return not present
    if wanted.match is None:
        return present
    if wanted.match.negate:
        return present and all(_text(wanted.match, value) for value in values)
    return any(_text(wanted.match, value) for value in values)


def _text(match: TextMatch, value: str) -> bool:
    left, right = collated(match.collation, value), collated(match.collation, match.value)
    if match.match_type == "equals":
        found = left == right
    elif match.match_type == "starts-with":
        found = left.startswith(right)
    elif match.match_type == "ends-with":
        found = left.endswith(right)
    else:
        found = right in left
    return found != match.negate


def collated(collation: str, value: str) -> str:
    """Return what is equal for all texts that are the same in a collation (RFC 4790, RFC 5051)."""
    if collation == "i;octet":
        return value
    if collation == "i;ascii-casemap":
        return "".join(letter.lower() if letter.isascii() else letter for letter in value)
    return unicodedata.normalize("NFKD", value).casefold()
