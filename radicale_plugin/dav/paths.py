"""Which resource a path names, and how its URL is written. One spelling only: Thunderbird compares hrefs as text."""

from __future__ import annotations

import enum
import functools
import re
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

#: Characters of a path segment that are left as they are (RFC 3986, pchar, without what clients treat differently).
_SAFE = "-._~!$'()*+,;=:@"
#: Whether a name is written as it is in a URL, and a part of a URL is a name as it is; nothing of it is markup.
_PLAIN = re.compile(rf"[A-Za-z0-9{re.escape(_SAFE)}]*+")
is_plain = _PLAIN.fullmatch
#: The name, beside a person's address books, of the directory in which they look for others.
DIRECTORY = "directory"
#: The name below which their registrations for push are; no address book can have it.
PUSH = ".push"
#: Characters of a path that is remembered: most requests are for the same few address books.
_SHORT = 200
#: Where clients look for the root (RFC 6764, 5).
WELL_KNOWN = ("/.well-known/carddav", "/.well-known/carddav/")


class Kind(enum.StrEnum):
    """What a path can name."""

    ROOT = "root"
    PRINCIPAL = "principal"
    BOOK = "address book"
    ENTRY = "entry"
    DIRECTORY = "directory"
    REGISTRATION = "registration"


class Location(NamedTuple):
    """
    A place in the tree ``/<login>/<book>/<name>``. Parts that the kind does not have are empty.

    The principal is the address book home as well. ``/.well-known/carddav`` is the root. The directory stands where an
    address book of its name would, and has no members. A registration for push has a name and no book.
    """

    kind: Kind
    login: str = ""
    book: str = ""
    name: str = ""


def locate(path: str) -> Location | None:
    """
    Say what a decoded path names.

    It is None where there can be nothing of ours: a hidden name, an empty or dotted segment, too deep.

    Whether the resource exists is another matter.
    """
    return _located(path) if len(path) <= _SHORT else _located.__wrapped__(path)


@functools.lru_cache(2_048)
def _located(path: str) -> Location | None:
    if path in ("", "/", *WELL_KNOWN):
        return Location(Kind.ROOT)
    parts = path[1:].split("/") if path[0] == "/" else []
    if parts and not parts[-1]:
        parts.pop()
        if len(parts) == 3:
            return None
    if len(parts) == 3 and parts[1] == PUSH and all(part and part[0] != "." for part in (parts[0], parts[2])):
        return Location(Kind.REGISTRATION, parts[0], name=parts[2])
    if not 1 <= len(parts) <= 3 or _has_hidden(parts):
        return None
    if parts[1:2] == [DIRECTORY]:
        return Location(Kind.DIRECTORY, parts[0]) if len(parts) == 2 else None
    login, book, name = (*parts, "", "")[:3]
    return Location((Kind.PRINCIPAL, Kind.BOOK, Kind.ENTRY)[len(parts) - 1], login, book, name)


def _has_hidden(parts: list[str]) -> bool:
    for part in parts:  # noqa: SIM110 - every request comes by here, and a generator takes three times as long
        if not part or part[0] == "." or "\0" in part:
            return True
    return False


def is_portal(path: str) -> bool:
    """Whether a decoded path belongs to the portal. One that Radicale would read as another path does not."""
    parts = path.split("/")
    return parts[:2] == ["", ".web"] and "//" not in path and not {".", ".."} & set(parts)


def href(prefix: str, *parts: str, collection: bool = True) -> str:
    """Return the path-absolute URL of a resource; *prefix* is where the application is mounted."""
    path = "/".join([segment(part) for part in parts])
    return f"{prefix}/{path}{'/' if collection and path else ''}"


def segment(name: str) -> str:
    """Return *name* as a part of a URL."""
    return name if is_plain(name) else quote(name, safe=_SAFE)


def decode(url: str, prefix: str) -> str | None:
    """Return the decoded path below *prefix* that a href from a request names, or None when it is none of ours."""
    try:
        path = urlsplit(url.strip()).path if "://" in url else url.strip().partition("?")[0]
        path = unquote(path, errors="strict")
    except ValueError:
        return None
    if not path.startswith(prefix + "/"):
        return None
    return path[len(prefix) :]
