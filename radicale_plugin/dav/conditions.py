"""Conditional requests, RFC 9110, 13."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from sync.books.etags import changed_at_of
from sync.errors import PreconditionFailed

_ETAG = re.compile(r'(?:W/)?"[^"\x00-\x20\x7f]*"')
#: What the ETag of another representation than that without ``Accept`` has at its end.
_MARK = re.compile(r';[34]\.0(?="$)')


@dataclass(frozen=True, slots=True)
class Conditions:
    """
    The headers of these names as they were sent, None where there was none.

    An entity tag that cannot be understood is a condition still: it names no state that an entry could be in. A date
    that cannot be understood is none.
    """

    if_match: str | None = None
    if_none_match: str | None = None
    if_unmodified_since: str | None = None
    if_modified_since: str | None = None

    def check(self, etag: str | None) -> None:
        """
        Compare with the state of a resource before it is changed, by which representation ever the client knows it.

        *etag* is that of an entry, None when there is no such resource, and empty when it is there and has none.

        Raises:
            PreconditionFailed: It is not in the state that was asked for.
        """
        self.check_read(etag)
        if self.if_none_match is not None and _names(_unmarked(self.if_none_match), etag, strong=False):
            raise PreconditionFailed("There is such an entry already.")

    def check_read(self, etag: str | None) -> None:
        """
        Compare with the state of a resource, as far as that matters to whoever only reads it.

        Raises:
            PreconditionFailed: It is not in the state that was asked for.
        """
        if self.if_match is not None:
            met = _names(_unmarked(self.if_match), etag, strong=True)
        else:
            until = _seconds(self.if_unmodified_since)
            met = until is None or not etag or changed_at_of(etag) <= until
        if not met:
            raise PreconditionFailed("The entry was changed or deleted meanwhile; fetch it again.")

    def not_modified(self, etag: str) -> bool:
        """Whether a GET may be answered with 304; *etag* is that of the representation which would be sent."""
        if self.if_none_match is not None:
            return _names(self.if_none_match, etag, strong=False)
        since = _seconds(self.if_modified_since)
        return since is not None and changed_at_of(unmarked(etag)) <= since


Check = Callable[[str | None], None]


def marked(etag: str, version: str) -> str:
    """Return the ETag of an entry in this version of vCard, which is not the one that it is served in by itself."""
    return f'{etag[:-1]};{version}"'


def unmarked(etag: str) -> str:
    """Return the ETag of an entry, given that of any representation of it."""
    return _MARK.sub("", etag)


def _unmarked(header: str) -> str:
    return header if header.strip() == "*" else ", ".join(unmarked(etag) for etag in _ETAG.findall(header))


def _names(header: str, etag: str | None, *, strong: bool) -> bool:
    if etag is None:
        return False
    if header.strip() == "*":
        return True
    listed = _ETAG.findall(header)
    return etag in (listed if strong else [name.removeprefix("W/") for name in listed])


def _seconds(date: str | None) -> int | None:
    """Return the time of an HTTP date as seconds since 1970, None for what is no such date."""
    try:
        moment = parsedate_to_datetime(date or "")
        return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
