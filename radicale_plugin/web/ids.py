"""Ids that a browser sends, in addresses and in forms."""

from __future__ import annotations

from flask import request
from typing_extensions import override
from werkzeug.exceptions import BadRequest
from werkzeug.routing import IntegerConverter, ValidationError

from radicale_plugin.web.portal import Portal

_LARGEST = 2**63 - 1
_DIGITS = len(str(_LARGEST))


class Id(IntegerConverter):
    """What ``<int:…>`` is in an address: no larger number than the database has a place for."""

    @override
    def to_python(self, value: str) -> int:
        found = as_id(value)
        if found is None:
            raise ValidationError
        return found


def install(portal: Portal) -> None:
    """Let no address be longer than an id can be."""
    portal.url_map.converters["int"] = Id


def as_id(text: str) -> int | None:
    """Return the id that is written in *text*, or None where there is none."""
    if not (0 < len(text) <= _DIGITS and text.isascii() and text.isdigit()):
        return None
    return number if (number := int(text)) <= _LARGEST else None


def posted_ticks(name: str) -> tuple[set[int], set[int]]:
    """
    Return the ids that somebody ticked under *name*, and those that they unticked.

    A page says under ``had`` what it showed as ticked. What was left as it was is in neither: it may have changed in
    another tab meanwhile.
    """
    ticked, had = set(posted_ids(name)), set(posted_ids("had"))
    return ticked - had, had - ticked


def posted_ids(name: str) -> list[int]:
    """Return the ids that a form has under *name*; one that is none makes the request a bad one."""
    found = [as_id(text) for text in request.form.getlist(name)]
    if None in found:
        raise BadRequest
    return [number for number in found if number is not None]
