"""
The properties of each kind of resource, as markup.

A table per kind says what every property is there; a name that is in no table is answered with 404. Values are what
the standards and the clients need (client facts I-10, I-11, D-4, T-3); nothing here depends on what other people
hide.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate

from radicale_plugin.dav import dead, paths, push_names
from radicale_plugin.dav.access import GRANTS, NAMES, access
from radicale_plugin.dav.names import CS, card, dav, element, href, text
from radicale_plugin.dav.partial import part_of
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.place import Place, Table
from radicale_plugin.dav.supported import REPORT_SETS
from radicale_plugin.dav.wanted import Wanted
from sync.books.entries import EntryHead, EntryText
from sync.push.keys import HOME
from sync.revisions.address_books import Book
from sync.sharing.connections import CONNECTION

MAX_IMAGE_OCTETS = 229_376
VCARD_TYPE = "text/vcard; charset=utf-8"
#: Which entry is the person's own card (client fact I-20).
ME_CARD = f"{{{CS}}}me-card"
#: What an address book is called, and what it is for, as the person says.
DISPLAYNAME = dav("displayname")
DESCRIPTION = card("addressbook-description")

_COMMON: Table = {dav("current-user-principal"): lambda place: href(place.principal)}

ROOT: Table = {
    **_COMMON,
    **access("read", owned=False),
    dav("resourcetype"): lambda _: element(dav("collection")),
    dav("displayname"): lambda _: "Evercard",
    dav("supported-report-set"): lambda _: REPORT_SETS[Kind.ROOT],
}
_PRINCIPAL: Table = {
    dav("principal-URL"): lambda place: href(place.principal),
    dav("alternate-URI-set"): lambda _: "",
    dav("group-member-set"): lambda _: "",
    dav("group-membership"): lambda _: "",
}


def principal_table(place: Place, me_card: Callable[[], str]) -> Table:
    """Return the properties of the person who asks; *me_card* finds the URL of their own card when it is wanted."""
    return {
        **_COMMON,
        **_PRINCIPAL,
        **_PRINCIPAL_ACCESS,
        dav("resourcetype"): lambda _: element(dav("collection")) + element(dav("principal")),
        dav("displayname"): lambda place: text(place.caller.login),
        dav("supported-report-set"): lambda _: REPORT_SETS[Kind.PRINCIPAL],
        card("addressbook-home-set"): lambda place: href(place.principal),
        card("directory-gateway"): lambda place: href(place.directory),
        card("principal-address"): lambda _: href(me_card()),
        ME_CARD: lambda _: href(me_card()),
        **push_names.table(place, HOME),
    }


def book_table(place: Place, book: Book) -> Table:
    """Return the properties of an address book, but for those that are kept for clients."""
    token = book.sync_token
    title: Table = {DISPLAYNAME: lambda _: text(book.title)} if book.title else {}
    return {
        **_BOOK,
        **title,
        _SYNC_TOKEN: lambda _: token,
        _CTAG: lambda _: token,
        **push_names.table(place, book.id),
    }


# Which card is the person's own can be set on the principal, and address books can be made and deleted below it.
_PRINCIPAL_ACCESS = access("read", "write-properties", "bind", "unbind")
_WRITABLE = access("read", "write")
_READ_ONLY = access("read")
_ADDRESS_DATA = "".join(
    f'<CR:address-data-type content-type="text/vcard" version="{version}"/>' for version in ("3.0", "4.0")
)
_COLLATIONS = "".join(
    element(card("supported-collation"), name) for name in ("i;ascii-casemap", "i;octet", "i;unicode-casemap")
)
_SYNC_TOKEN = dav("sync-token")
_CTAG = f"{{{CS}}}getctag"
#: The directory, in which a person looks for others (client fact I-21).
DIRECTORY: Table = {
    **_COMMON,
    **_READ_ONLY,
    DISPLAYNAME: lambda _: "Evercard",
    dav("resourcetype"): lambda _: element(dav("collection")) + element(card("directory")),
    dav("supported-report-set"): lambda _: REPORT_SETS[Kind.DIRECTORY],
    card("supported-address-data"): lambda _: _ADDRESS_DATA,
    card("supported-collation-set"): lambda _: _COLLATIONS,
}
# What is the same for every address book, put together once, because a poll asks for one.
_BOOK: Table = {
    **_COMMON,
    **_WRITABLE,
    dav("resourcetype"): lambda _: element(dav("collection")) + element(card("addressbook")),
    dav("supported-report-set"): lambda _: REPORT_SETS[Kind.BOOK],
    card("supported-address-data"): lambda _: _ADDRESS_DATA,
    card("supported-collation-set"): lambda _: _COLLATIONS,
    card("max-resource-size"): lambda place: str(place.settings.limits.card_size),
    card("max-image-size"): lambda _: str(MAX_IMAGE_OCTETS),
}
#: Properties that a request for all does not get: they cost, or RFC 3744, RFC 6352 and RFC 6578 say so.
_NOT_IN_ALL = frozenset(
    {
        card(name)
        for name in (
            *("supported-address-data", "supported-collation-set", "max-resource-size", "max-image-size"),
            *("addressbook-home-set", "principal-address", "addressbook-description", "directory-gateway"),
        )
    }
    | {dav("sync-token"), dav("supported-report-set"), ME_CARD, *_PRINCIPAL, *NAMES, *push_names.NAMES}
)


Kept = Callable[[], Mapping[str, str]]
"""Finds the properties that are kept for clients of a resource, the element of each by its full name."""


def collection_response(
    url: str, table: Table, place: Place, wanted: Wanted, *, minimal: bool, kept: Kept = dict
) -> str:
    """Return the ``DAV:response`` of a collection. *minimal* leaves out what is not there (RFC 8144)."""
    names: Iterable[str] = wanted.names
    if wanted.every:
        names = dict.fromkeys([*(name for name in table if name not in _NOT_IN_ALL), *wanted.names])
    own = {}
    if dead.are_wanted(wanted, table, (DISPLAYNAME, DESCRIPTION)):
        own = dead.found(wanted, kept(), _NOT_IN_ALL)
    if wanted.names_only:
        own = {**{name: element(name) for name in table}, **own}
    else:
        own = {**{name: element(name, table[name](place)) for name in names if name in table}, **own}
    missing = "" if minimal else "".join(element(name) for name in names if name not in own)
    return response(url, "".join(own.values()), "" if wanted.names_only else missing)


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


def there(url: str) -> str:
    """Return the ``DAV:response`` of a resource of which nothing was asked but its URL."""
    return f"<D:response>{href(url)}<D:status>HTTP/1.1 200 OK</D:status></D:response>\n"


Getter = Callable[[EntryHead | EntryText], str]


def _content(entry: EntryHead | EntryText) -> str:
    return entry.text if isinstance(entry, EntryText) else ""


def _by_kind(name: str, place: Place) -> Getter:
    connection, other = _READ_ONLY[name](place), _WRITABLE[name](place)
    return lambda entry: connection if entry.kind == CONNECTION else other


_ENTRY: Mapping[str, Getter] = {
    dav("getetag"): lambda entry: entry.etag,
    dav("getlastmodified"): lambda entry: formatdate(entry.changed_at, usegmt=True),
    dav("getcontentlength"): lambda entry: str(len(_content(entry).encode())),
    card("address-data"): lambda entry: text(_content(entry)),
}
_ENTRY_CONSTANT: Table = {
    **_COMMON,
    **_WRITABLE,
    dav("resourcetype"): lambda _: "",
    dav("getcontenttype"): lambda _: VCARD_TYPE,
    dav("supported-report-set"): lambda _: REPORT_SETS[Kind.ENTRY],
    card("supported-collation-set"): lambda _: _COLLATIONS,
}
_ENTRY_ALL = tuple(
    dav(name) for name in ("getetag", "getlastmodified", "getcontentlength", "resourcetype", "getcontenttype")
)
_CARD_TEXT = card("address-data")
_NEEDS_TEXT = frozenset({_CARD_TEXT, dav("getcontentlength")})
#: What the properties of an entry are called, of which ``address-data`` is none (RFC 6352, 10.4).
_ENTRY_NAMES = tuple(name for name in (*_ENTRY, *_ENTRY_CONSTANT) if name != _CARD_TEXT)


def _getter(name: str, place: Place, wanted: Wanted) -> Getter | None:
    """Return what makes a property that not all entries have alike, None for others."""
    if name in GRANTS and not place.settings.accept_overlays:
        return _by_kind(name, place)
    if name == card("address-data") and wanted.card_lines:
        return lambda entry: text(part_of(_content(entry), wanted.card_lines))
    return _ENTRY.get(name)


def _element(name: str, wanted: Wanted) -> str:
    """Return an element with a gap. A card says its version where that is not the one that goes without saying."""
    markup = element(name, "\0")
    if name == _CARD_TEXT and wanted.card_version != "3.0":
        return markup.replace(">", f' version="{wanted.card_version}">', 1)
    return markup


def _literal(markup: str) -> str:
    return markup.replace("{", "{{").replace("}", "}}")


def entry_table(entry: EntryText, place: Place) -> Table:
    """Return the properties of one entry, without ``address-data``, which is none (RFC 6352, 10.4)."""
    names = [name for name in _ENTRY_ALL if name in _ENTRY]
    own: Table = {name: functools.partial(_of, _ENTRY[name], entry) for name in names}
    strict = entry.kind == CONNECTION and not place.settings.accept_overlays
    return {**_ENTRY_CONSTANT, **(_READ_ONLY if strict else {}), **own}


def _of(getter: Getter, entry: EntryText, _: Place) -> str:
    return getter(entry)


class EntryTemplate:
    """
    The ``DAV:response`` of every entry in an answer, with everything worked out once that is the same for all of them.

    *needs_text* says whether entries must come with their text.
    """

    def __init__(
        self,
        place: Place,
        book: Book,
        wanted: Wanted,
        *,
        minimal: bool,
        kept: Callable[[], Mapping[str, Mapping[str, str]]] = dict,
    ) -> None:
        """Prepare for the properties that are *wanted*; *kept* finds those that are kept for clients, by entry."""
        names: Iterable[str] = _ENTRY_NAMES if wanted.names_only else wanted.names
        if wanted.every:
            names = dict.fromkeys([*_ENTRY_ALL, *wanted.names])
        self.needs_text = not wanted.names_only and not _NEEDS_TEXT.isdisjoint(names)
        self._url = place.book(book)
        self._markup = text(self._url)
        self._wanted, self._missing = wanted, list[str]()
        known = (*_ENTRY, *_ENTRY_CONSTANT)
        self._kept = kept() if dead.are_wanted(wanted, known) else {}
        self._getters: list[Getter] = []
        found = list[str]()
        missing = list[str]()
        for name in names:
            getter = None if wanted.names_only else _getter(name, place, wanted)
            if getter is not None:
                self._getters.append(getter)
                found.append("{}".join(_literal(_element(name, wanted)).split("\0")))
            elif name in _ENTRY_CONSTANT:
                found.append(_literal(element(name, "" if wanted.names_only else _ENTRY_CONSTANT[name](place))))
            else:
                (found if name in _ENTRY else missing).append(_literal(element(name)))
                self._missing += [] if name in _ENTRY or minimal else [name]
        self._found = "".join(found)
        self._format = response("\1", self._found, "" if minimal else "".join(missing)).replace("\1", "{}").format

    def url(self, name: str) -> str:
        """Return the URL of the entry of this name."""
        return self._url + paths.segment(name)

    def render(self, entry: EntryHead | EntryText) -> str:
        """Return the ``DAV:response`` of a present entry."""
        values = [getter(entry) for getter in self._getters]
        if not (kept := self._kept.get(entry.href)):
            return self._format(self._markup + paths.segment(entry.href), *values)
        own = dead.found(self._wanted, kept)
        missing = "".join(element(name) for name in self._missing if name not in own)
        return response(self.url(entry.href), self._found.format(*values) + "".join(own.values()), missing)
