"""Conditional requests, RFC 9110, 13."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sync.errors import PreconditionFailed

_ETAG = re.compile(r'(?:W/)?"[^"\x00-\x20\x7f]*"')


@dataclass(frozen=True, slots=True)
class Conditions:
    """
    The ``If-Match`` and ``If-None-Match`` headers as they were sent, None where there was none.

    One that is there and cannot be understood is a condition still: it names no state that an entry could be in.
    """

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, etag: str | None) -> None:
        """
        Compare with the state of an entry; *etag* is None when it does not exist.

        Raises:
            PreconditionFailed: The entry is not in the state that was asked for.
        """
        if self.if_match is not None and not _names(self.if_match, etag, strong=True):
            raise PreconditionFailed("The entry was changed or deleted meanwhile; fetch it again.")
        if self.if_none_match is not None and _names(self.if_none_match, etag, strong=False):
            raise PreconditionFailed("There is such an entry already.")

    def not_modified(self, etag: str) -> bool:
        """Whether a GET may be answered with 304."""
        return self.if_none_match is not None and _names(self.if_none_match, etag, strong=False)


Check = Callable[[str | None], None]


def _names(header: str, etag: str | None, *, strong: bool) -> bool:
    if etag is None:
        return False
    if header.strip() == "*":
        return True
    listed = _ETAG.findall(header)
    return etag in (listed if strong else [name.removeprefix("W/") for name in listed])
