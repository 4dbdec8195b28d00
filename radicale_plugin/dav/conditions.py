"""Conditional requests, RFC 9110, 13."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from sync.books.etags import changed_at_of
from sync.errors import PreconditionFailed

_ETAG = re.compile(r'(?:W/)?"[^"\x00-\x20\x7f]*"')
#: What the ETag of another representation than that without ``Accept`` has at its end.
_MARK = re.compile(r';[34]\.0(?="$)')
#: What proxies make of the ETag of an answer that they compress: Apache adds this, others say that it is weak.
_COMPRESSED = re.compile(r'(?:-{1,2}|;|:)(?:gzip|br|deflate|zstd)(?="$)')


class Conditions(NamedTuple):
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
        if self.if_none_match is not None and _names(_unmarked(self.if_none_match), etag):
            raise PreconditionFailed("There is such an entry already.")

    def check_read(self, etag: str | None) -> None:
        """
        Compare with the state of a resource, as far as that matters to whoever only reads it.

        Raises:
            PreconditionFailed: It is not in the state that was asked for.
        """
        if self.if_match is not None:
            met = _names(_unmarked(self.if_match), etag)
        else:
            until = _seconds(self.if_unmodified_since)
            met = until is None or not etag or changed_at_of(etag) <= until
        if not met:
            raise PreconditionFailed("The entry was changed or deleted meanwhile; fetch it again.")

    def not_modified(self, etag: str) -> bool:
        """Whether a GET may be answered with 304; *etag* is that of the representation which would be sent."""
        if self.if_none_match is not None:
            return _names(self.if_none_match, etag)
        since = _seconds(self.if_modified_since)
        return since is not None and changed_at_of(unmarked(etag)) <= since


Check = Callable[[str | None], None]


def marked(etag: str, version: str) -> str:
    """Return the ETag of an entry in this version of vCard, which is not the one that it is served in by itself."""
    return f'{etag[:-1]};{version}"'


def unmarked(etag: str) -> str:
    """Return the ETag of an entry, given that of any representation of it, also as a proxy has rewritten it."""
    return _MARK.sub("", as_sent(etag))


def as_sent(etag: str) -> str:
    """
    Return the ETag that left this server, given what a proxy on the way made of it.

    None that left here was weak, so what says that it is means the octets before somebody compressed them.
    """
    return _COMPRESSED.sub("", etag.removeprefix("W/"))


def _unmarked(header: str) -> str:
    return header if header.strip() == "*" else ", ".join(unmarked(etag) for etag in _ETAG.findall(header))


def _names(header: str, etag: str | None) -> bool:
    if etag is None:
        return False
    if header.strip() == "*":
        return True
    return etag in map(as_sent, _ETAG.findall(header))


def _seconds(date: str | None) -> int | None:
    """Return the time of an HTTP date as seconds since 1970, None for what is no such date."""
    try:
        moment = parsedate_to_datetime(date or "")
        return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
