"""
Which cards an addressbook-query finds, RFC 6352, 10.5.

Filters are applied to the very text that the person would be served, in either version of vCard, so nothing can be
found by what is hidden, and to what they stored themselves.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from radicale_plugin.dav.filter_xml import ParamFilter, PropFilter, TextMatch
from sync.errors import InvalidInput
from sync.vcard import Property, lines_named, parse_one, read_line, unescape

#: Properties whose value is the same in every version of vCard.
_ALIKE = frozenset(("FN", "N", "NICKNAME", "EMAIL", "NOTE", "ORG", "TITLE", "ROLE", "UID", "CATEGORIES"))


class Search:
    """Filters, ready to be applied to any number of cards."""

    def __init__(self, filters: Sequence[PropFilter], *, all_of: bool) -> None:
        """Look for cards that pass all of *filters*, or any of them; every card passes where there are none."""
        self._filters = tuple(filters)
        self._test = all if all_of else any
        self._names = frozenset(_split(wanted)[1] for wanted in filters)

    def finds(self, card: str, stored: str = "") -> bool:
        """
        Whether *card* passes, taken together with what it was made of, *stored*, where that is another text.

        So a person finds what they wrote, whatever version it is served in. A text that is no vCard passes only where
        there is no filter. Hardly any card is parsed for that: most lack the text that is looked for in the lines that
        it may be in.
        """
        if not self._filters:
            return True
        texts = [card, stored] if stored else [card]
        found = [lines_named(text, self._names) for text in texts]
        lines = [line for each in found for line in each or ()]
        if None not in found:
            searched = collated("i;unicode-casemap", "\n".join(lines).replace("\\", ""))
            if not self._test(_is_possible(wanted, searched) for wanted in self._filters):
                return False
            return self.accepts([read_line(line) for line in lines])
        try:
            return self.accepts([line for text in texts for line in _properties(text)])
        except InvalidInput:
            return False

    def matters_which_version(self) -> bool:
        """Whether the same card may pass in one version of vCard and not in the other."""
        return not self._names <= _ALIKE or any(wanted.params for wanted in self._filters)

    def accepts(self, properties: Sequence[Property]) -> bool:
        """Whether a card with these properties passes; those of a name that no filter has may be left out."""
        return self._test(_property_filter(wanted, properties) for wanted in self._filters)


def _properties(card: str) -> tuple[Property, ...]:
    parsed = parse_one(card)
    return (Property("", "VERSION", (), parsed.version), *parsed.properties)


def _split(wanted: PropFilter) -> tuple[str, str]:
    group, _, name = wanted.name.rpartition(".")
    return group.lower(), name.upper()


def _property_filter(wanted: PropFilter, properties: Iterable[Property]) -> bool:
    group, name = _split(wanted)
    named = [line for line in properties if line.name == name and (not group or line.group.lower() == group)]
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
    left, right = collated(match.collation, value), _needle(match.collation, match.value)
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
    if value.isascii():
        return value.lower()
    if collation == "i;ascii-casemap":
        return "".join(letter.lower() if letter.isascii() else letter for letter in value)
    return unicodedata.normalize("NFKD", value).casefold()


_needle = functools.lru_cache(maxsize=1024)(collated)


def _is_possible(wanted: PropFilter, searched: str) -> bool:
    """Whether a filter can be met by lines that are *searched* when put together, collated and without backslashes."""
    if wanted.is_not_defined or not wanted.matches or (wanted.params and not wanted.all_of):
        return True
    test = all if wanted.all_of else any
    return test(match.negate or all(part in searched for part in _parts(match.value)) for match in wanted.matches)


@functools.lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[str, ...]:
    """
    Return what of a text that is looked for stands in a line letter for letter, however the line is written.

    An escape of the line loses its backslash before it is compared, or becomes a line feed. Marks, the iota that is
    made of one included, change places with other marks when a text is decomposed.
    """
    return tuple(filter(None, "".join(_kept(_needle("i;unicode-casemap", text))).split("\n")))


def _kept(needle: str) -> Iterator[str]:
    for letter in needle:
        yield "\n" if letter in "\\\n\u03b9" or unicodedata.combining(letter) else letter
