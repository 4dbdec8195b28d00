"""
Addresses of pages, put together once for all that differ by nothing but ids and plain words.

A page has hundreds of links, row by row, and werkzeug looks for the rule of each and quotes its parts anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from flask.globals import request_ctx
from werkzeug.routing import MapAdapter

_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")
#: What a pattern is made with: of each type something that nothing else of an address looks like.
_NUMBERS, _WORDS = 7_351_086_420_000_000, "for.this.word-"


class Paths:
    """The patterns of one portal, by the views and names of values that they are for."""

    def __init__(self) -> None:
        """Begin without any; each is made when it is asked for first."""
        self._patterns: dict[tuple[object, ...], str | None] = {}

    def path_of(self, endpoint: str, values: Mapping[str, object], build: Callable[..., str]) -> str | None:
        """
        Return the address that *build* would return during this request, or None where that depends on the values.

        *values* is what differs: names of ids and words.
        """
        adapter = request_ctx.url_adapter
        if adapter is None or not all(map(is_plain, values.values())):
            return None
        key = (adapter.script_name, adapter.default_method, endpoint, *values, *map(type, values.values()))
        if key not in self._patterns:
            self._patterns[key] = _pattern(adapter, endpoint, values, build)
        pattern = self._patterns[key]
        return None if pattern is None else pattern % values


def is_plain(value: object) -> bool:
    """Whether *value* is an id, or a word that stands for itself wherever in an address."""
    return type(value) is int or (type(value) is str and _PLAIN.fullmatch(value) is not None)


def _pattern(adapter: MapAdapter, endpoint: str, values: Mapping[str, object], build: Callable[..., str]) -> str | None:
    """Return the address with places for the values, or None where another rule is chosen for some values."""
    stand_ins = {
        name: _NUMBERS + number if type(value) is int else f"{_WORDS}{number}-"
        for number, (name, value) in enumerate(values.items())
    }
    try:
        if any(rule.defaults for rule in adapter.map.iter_rules(endpoint)):
            return None
        made = build(endpoint, **stand_ins).replace("%", "%%")
    except (LookupError, ValueError):
        # Whoever asks without a pattern is told what is wrong.
        return None
    for name, stand_in in stand_ins.items():
        if made.count(str(stand_in)) != 1:
            return None
        made = made.replace(str(stand_in), f"%({name})s")
    return made
