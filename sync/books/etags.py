"""How an ETag is made, and what can be read from it."""

from __future__ import annotations


def etag_of(one: str | None, other: str | None, changed_at: int) -> str:
    """Return the quoted ETag of a text whose sources, one or two, have these hashes and whose REV is this."""
    return f'"{one or ""}{other or ""}-{changed_at:x}"'


def changed_at_of(etag: str) -> int:
    """Return the REV of what `etag_of` made this ETag for."""
    return int(etag.strip('"').rpartition("-")[2], 16)
