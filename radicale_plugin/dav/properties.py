"""
The properties of each kind of resource, as markup.

A table per kind says what every property is there; a name that is in no table is answered with 404. Values are what
the standards and the clients need (client facts I-10, I-11, D-4, T-3); nothing here depends on what other people
hide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate

from radicale_plugin import paths
from radicale_plugin.dav.bodies import Wanted
from radicale_plugin.dav.names import CS, card, dav, element, href, text
from radicale_plugin.dav.partial import part_of
from sync.address_books import Book
from sync.connections import CONNECTION
from sync.credentials import Caller
from sync.entries import EntryHead, EntryText
from sync.settings import Settings

MAX_IMAGE_OCTETS = 229_376
VCARD_TYPE = "text/vcard; charset=utf-8"
BOOK_PRIVILEGES = (
    "read",
    "write",
    "write-content",
    "write-properties",
    "bind",
    "unbind",
    "read-current-user-privilege-set",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Who asks, and where the application is mounted (*prefix*, without a slash at its end)."""

    prefix: str
    caller: Caller
    settings: Settings

    @property
    def principal(self) -> str:
        """The URL of the person who asks; it is the home of their address books as well."""
        return paths.href(self.prefix, self.caller.login)

    def book(self, book: Book) -> str:
        """The URL of one of their address books."""
        return paths.href(self.prefix, self.caller.login, book.path)


#: Which entry is the person's own card (client fact I-20).
ME_CARD = f"{{{CS}}}me-card"

Table = Mapping[str, Callable[[Place], str]]


def privileges(*names: str) -> str:
    """Return the content of ``current-user-privilege-set``."""
    return "".join(element(dav("privilege"), element(dav(name))) for name in names)


def reports(*names: str) -> str:
    """Return the content of ``supported-report-set``."""
    return "".join(element(dav("supported-report"), element(dav("report"), element(name))) for name in names)


_COMMON: Table = {
    dav("current-user-principal"): lambda place: href(place.principal),
    dav("principal-collection-set"): lambda place: href(paths.href(place.prefix)),
    dav("owner"): lambda place: href(place.principal),
}

ROOT: Table = {
    **{name: value for name, value in _COMMON.items() if name != dav("owner")},
    dav("resourcetype"): lambda _: element(dav("collection")),
    dav("displayname"): lambda _: "Evercard",
    dav("current-user-privilege-set"): lambda _: privileges("read", "read-current-user-privilege-set"),
    dav("supported-report-set"): lambda _: "",
}

PRINCIPAL: Table = {
    **_COMMON,
    dav("resourcetype"): lambda _: element(dav("collection")) + element(dav("principal")),
    dav("displayname"): lambda place: text(place.caller.login),
    dav("principal-URL"): lambda place: href(place.principal),
    dav("alternate-URI-set"): lambda _: "",
    dav("group-membership"): lambda _: "",
    dav("current-user-privilege-set"): lambda _: privileges("read", "read-current-user-privilege-set"),
    dav("supported-report-set"): lambda _: "",
    card("addressbook-home-set"): lambda place: href(place.principal),
}


def book_table(book: Book) -> Table:
    """Return the properties of an address book."""
    return {
        **_COMMON,
        dav("resourcetype"): lambda _: element(dav("collection")) + element(card("addressbook")),
        dav("displayname"): lambda _: text(book.title),
        dav("sync-token"): lambda _: book.sync_token,
        f"{{{CS}}}getctag": lambda _: book.sync_token,
        dav("current-user-privilege-set"): lambda _: _BOOK_PRIVILEGES,
        dav("supported-report-set"): lambda _: _BOOK_REPORTS,
        card("supported-address-data"): lambda _: _ADDRESS_DATA,
        card("supported-collation-set"): lambda _: _COLLATIONS,
        card("max-resource-size"): lambda place: str(place.settings.limits.card_size),
        card("max-image-size"): lambda _: str(MAX_IMAGE_OCTETS),
    }


_BOOK_PRIVILEGES = privileges(*BOOK_PRIVILEGES)
_BOOK_REPORTS = reports(dav("sync-collection"), card("addressbook-multiget"), card("addressbook-query"))
_ADDRESS_DATA = "".join(
    f'<CR:address-data-type content-type="text/vcard" version="{version}"/>' for version in ("3.0", "4.0")
)
_COLLATIONS = "".join(
    element(card("supported-collation"), name) for name in ("i;ascii-casemap", "i;octet", "i;unicode-casemap")
)
#: Properties that a request for all does not get: they cost, or RFC 6352 and RFC 6578 say so.
_NOT_IN_ALL = frozenset(
    {
        card(name)
        for name in ("supported-address-data", "supported-collation-set", "max-resource-size", "max-image-size")
    }
    | {dav("sync-token"), dav("supported-report-set"), dav("current-user-privilege-set"), card("addressbook-home-set")}
)


def collection_response(url: str, table: Table, place: Place, wanted: Wanted, *, minimal: bool) -> str:
    """Return the ``DAV:response`` of a collection. *minimal* leaves out what is not there (RFC 8144)."""
    if wanted.names_only:
        return response(url, "".join(element(name) for name in table), "")
    names = [name for name in table if name not in _NOT_IN_ALL] if wanted.every else wanted.names
    found = "".join(element(name, table[name](place)) for name in names if name in table)
    missing = "" if minimal else "".join(element(name) for name in names if name not in table)
    return response(url, found, missing)


def response(url: str, found: str, missing: str) -> str:
    """Return a ``DAV:response`` with the 200 propstat first: Thunderbird looks at no other (client fact T-2)."""
    parts = [f"<D:response>{href(url)}"]
    if found or not missing:
        parts.append(f"<D:propstat><D:prop>{found}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>")
    if missing:
        parts.append(f"<D:propstat><D:prop>{missing}</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>")
    parts.append("</D:response>\n")
    return "".join(parts)


def truncated(url: str) -> str:
    """Return the ``DAV:response`` that says that there is more than was asked for (RFC 6578, 3.6; RFC 6352, 8.6.1)."""
    more = element(dav("error"), element(dav("number-of-matches-within-limits")))
    return f"<D:response>{href(url)}<D:status>HTTP/1.1 507 Insufficient Storage</D:status>{more}</D:response>\n"


def gone(url: str) -> str:
    """Return the ``DAV:response`` of an entry that is not, or no longer, there."""
    return f"<D:response>{href(url)}<D:status>HTTP/1.1 404 Not Found</D:status></D:response>\n"


Getter = Callable[[EntryHead | EntryText], str]

_PRIVILEGES = dav("current-user-privilege-set")
_READ_ONLY = privileges("read", "read-current-user-privilege-set")
_READ_WRITE = privileges("read", "write", "write-content", "read-current-user-privilege-set")


def _content(entry: EntryHead | EntryText) -> str:
    return entry.text if isinstance(entry, EntryText) else ""


def _getter(name: str, place: Place, wanted: Wanted) -> Getter:
    if name == _PRIVILEGES and not place.settings.accept_overlays:
        return _strict_privileges
    if name == card("address-data") and wanted.card_lines:
        return lambda entry: text(part_of(_content(entry), wanted.card_lines))
    return _ENTRY[name]


def _strict_privileges(entry: EntryHead | EntryText) -> str:
    return _READ_ONLY if entry.kind == CONNECTION else _READ_WRITE


_ENTRY: Mapping[str, Getter] = {
    dav("getetag"): lambda entry: entry.etag,
    dav("getlastmodified"): lambda entry: formatdate(entry.changed_at, usegmt=True),
    _PRIVILEGES: lambda _: _READ_WRITE,
    dav("getcontentlength"): lambda entry: str(len(_content(entry).encode())),
    card("address-data"): lambda entry: text(_content(entry)),
}
_ENTRY_CONSTANT: Mapping[str, str] = {
    dav("resourcetype"): "",
    dav("getcontenttype"): VCARD_TYPE,
}
_ENTRY_ALL = (dav("getetag"), dav("getlastmodified"), dav("getcontentlength"), *_ENTRY_CONSTANT)
_NEEDS_TEXT = frozenset({card("address-data"), dav("getcontentlength")})


class EntryTemplate:
    """
    The ``DAV:response`` of every entry in an answer, with everything worked out once that is the same for all of them.

    *needs_text* says whether entries must come with their text.
    """

    def __init__(self, place: Place, book: Book, wanted: Wanted, *, minimal: bool) -> None:
        """Prepare for the properties that are *wanted*."""
        names = _ENTRY_ALL if wanted.every else (*_ENTRY, *_ENTRY_CONSTANT) if wanted.names_only else wanted.names
        self.needs_text = not wanted.names_only and not _NEEDS_TEXT.isdisjoint(names)
        self._url = place.book(book)
        self._getters: list[Getter] = []
        found, missing = [], []
        for name in names:
            if name in _ENTRY and not wanted.names_only:
                self._getters.append(_getter(name, place, wanted))
                found.append("{}".join(element(name, "\0").replace("{", "{{").replace("}", "}}").split("\0")))
            elif name in _ENTRY or name in _ENTRY_CONSTANT:
                found.append(element(name, "" if wanted.names_only else _ENTRY_CONSTANT[name]))
            elif name in _COMMON:
                found.append(element(name, _COMMON[name](place)).replace("{", "{{").replace("}", "}}"))
            else:
                missing.append(element(name).replace("{", "{{").replace("}", "}}"))
        self._format = response("\1", "".join(found), "" if minimal else "".join(missing)).replace("\1", "{}").format

    def url(self, name: str) -> str:
        """Return the URL of the entry of this name."""
        return self._url + paths.href("", name, collection=False)[1:]

    def render(self, entry: EntryHead | EntryText) -> str:
        """Return the ``DAV:response`` of a present entry."""
        return self._format(text(self.url(entry.href)), *[getter(entry) for getter in self._getters])
