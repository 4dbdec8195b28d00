"""
The address book in which people without an account follow one card (`sync.card_links`): read-only, with one entry.

It has a principal of its own, whose login and password came with the link, and is built of the parts that answer for
every other address book. Its privileges say truly that nothing can be written, which is all that most programs need.
Apple's try nevertheless where another program on the phone changes the card, and one that is refused synchronizes no
more (client fact I-5): they are let believe it, and handed the card again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.utils import formatdate

from radicale_plugin.dav import paths
from radicale_plugin.dav.access import access
from radicale_plugin.dav.bodies import Multiget, Query, SyncCollection, parse, read_propfind, read_report
from radicale_plugin.dav.conditions import marked
from radicale_plugin.dav.entry import PRIVATE_CARD
from radicale_plugin.dav.errors import DavError, needs_privilege
from radicale_plugin.dav.filters import Search
from radicale_plugin.dav.multistatus import multistatus
from radicale_plugin.dav.names import card, dav, element, href, text
from radicale_plugin.dav.negotiation import version_wanted
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.place import Place, Table
from radicale_plugin.dav.prefer import NO_ROOT
from radicale_plugin.dav.properties import (
    DISPLAYNAME,
    ME_CARD,
    ROOT,
    VCARD_TYPE,
    EntryTemplate,
    book_table,
    collection_response,
    gone,
    principal_table,
)
from radicale_plugin.dav.reports import reached_in, rendition
from radicale_plugin.dav.requests import Request
from radicale_plugin.dav.responses import Response
from radicale_plugin.dav.wanted import Wanted
from sync.books.entries import EntryHead
from sync.books.entry_texts import EntryText
from sync.card_links.opening import FETCHED, FOLLOWER, HREF, LinkGate, OpenedLink
from sync.fields import fields_of as fields_in
from sync.fields import full_name
from sync.revisions.address_books import CONTACTS_PATH
from sync.settings import Settings
from sync.sharing.connections import CONNECTION
from sync.sign_in.credentials import Caller
from sync.vcard import parse_one

#: What can be done here, whatever anybody sends.
ALLOW = "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT"
#: A program of Apple's says so first; one of others that says whom it is like does not (client fact O-3).
_APPLE = re.compile(r"(?:iOS|iPadOS|iPhone OS|watchOS|macOS|Mac[ _]OS[ _]X)/", re.ASCII)
_IS_LIST = re.compile(rb"^X-ADDRESSBOOKSERVER-KIND:group\s*$|^KIND:group\s*$", re.IGNORECASE | re.MULTILINE)
_REPORTS = "".join(
    element(dav("supported-report"), element(dav("report"), element(name)))
    for name in (dav("sync-collection"), card("addressbook-multiget"), card("addressbook-query"))
)
_NO_REPORTS: Table = {dav("supported-report-set"): lambda _: ""}
_READ_ONLY = access("read")
#: What a person has beside their address books, and a follower has not.
_OF_PEOPLE = frozenset({card("directory-gateway"), card("principal-address"), ME_CARD})
_TOLD = "This card is kept by its owner; it cannot be changed here."


def place_of(prefix: str, link: OpenedLink, settings: Settings) -> Place:
    """Return where a follower is: nobody of this server, with an address book that cannot be changed."""
    book = link.book()
    caller = Caller(FOLLOWER, link.follower, 0, 0, None, book.title, book.epoch, book.revision, None, None)
    return Place(prefix, caller, replace(settings, accept_overlays=False))


def answer(gate: LinkGate, link: OpenedLink, request: Request) -> Response:
    """
    Answer a request of who follows the card of *link*.

    Raises:
        DavError: 403 ``need-privileges`` for whatever would change something, 404, 405, and what reports refuse.
        PreconditionFailed: The card is not in the state that was asked for.
    """
    handler = _HANDLERS.get(request.method)
    if handler is None or request.location.kind in (Kind.DIRECTORY, Kind.REGISTRATION):
        raise DavError(405, "This cannot be done here.")
    return handler(_Followed(gate, link, request))


class _Followed:
    """One request for one followed card."""

    def __init__(self, gate: LinkGate, link: OpenedLink, request: Request) -> None:
        self.gate, self.link, self.request = gate, link, request
        self.book = link.book()

    @property
    def place(self) -> Place:
        return self.request.place

    @property
    def url(self) -> str:
        """The URL of the card."""
        return self.place.book(self.book) + HREF

    def require_there(self) -> None:
        """Make sure that there is something where the request is for."""
        location = self.request.location
        if location.book not in ("", CONTACTS_PATH) or location.name not in ("", HREF):
            raise DavError(404, "There is nothing here.")

    def text(self, version: str) -> EntryText:
        """Return the card as it is now."""
        found = self.gate.card(self.link, version)
        if found is None:
            raise DavError(404, "There is nothing here.")
        return found

    def name(self) -> str:
        """Return what the card calls its owner."""
        found = fields_in(parse_one(self.text("3.0").text))
        return full_name(found, self.link.login)

    def principal(self) -> Table:
        table = principal_table(self.place, str)
        own = {name: value for name, value in table.items() if name not in _OF_PEOPLE}
        return {**own, **_READ_ONLY, **_NO_REPORTS, DISPLAYNAME: lambda _: text(self.name())}

    def address_book(self) -> Table:
        table = book_table(self.place, self.book)
        titled: Table = {
            DISPLAYNAME: lambda _: text(self.name()),
            dav("supported-report-set"): lambda _: _REPORTS,
        }
        return {**table, **_READ_ONLY, **titled}

    def collection(self, url: str, table: Table, wanted: Wanted) -> str:
        return collection_response(url, table, self.place, wanted, minimal=self.request.minimal)

    def entry(self, wanted: Wanted, template: EntryTemplate, version: str) -> str:
        """Return the card as a part of an answer, and count it where its text is handed over."""
        if not template.needs_text:
            link = self.link
            return template.render(
                EntryHead(HREF, CONNECTION, present=True, etag=link.etag, changed_at=link.changed_at)
            )
        found = self.text(version)
        self.count(wanted)
        return template.render(found)

    def count(self, wanted: Wanted) -> None:
        if card("address-data") in wanted.names:
            self.gate.note(self.link, FETCHED)

    def template(self, wanted: Wanted) -> EntryTemplate:
        return EntryTemplate(self.place, self.book, wanted, minimal=self.request.minimal)


def _propfind(asked: _Followed) -> Response:
    asked.require_there()
    request, wanted = asked.request, read_propfind(asked.request.body).wanted
    kind, depth = request.location.kind, request.depth.lower()
    if kind is not Kind.ENTRY and depth == "infinity":
        raise DavError(403, "A PROPFIND goes one level deep at most.", dav("propfind-finite-depth"))
    if kind is not Kind.ENTRY and depth not in ("", "0", "1"):
        raise DavError(400, "The Depth of a PROPFIND is 0 or 1.")
    deeper = depth == "1" and kind is not Kind.ENTRY
    levels = list(_levels(asked, wanted))
    first = [Kind.ROOT, Kind.PRINCIPAL, Kind.BOOK, Kind.ENTRY].index(kind)
    rootless = deeper and NO_ROOT in request.preferences
    return multistatus(level() for level in levels[first + rootless : first + 1 + deeper])


def _levels(asked: _Followed, wanted: Wanted) -> Iterator[Callable[[], str]]:
    """Yield what makes the part of an answer for the root, and for each of what is below it."""
    place = asked.place
    yield lambda: asked.collection(place.root, {**ROOT, **_NO_REPORTS}, wanted)
    yield lambda: asked.collection(place.principal, asked.principal(), wanted)
    yield lambda: asked.collection(place.book(asked.book), asked.address_book(), wanted)
    yield lambda: asked.entry(wanted, asked.template(wanted), wanted.card_version)


def _report(asked: _Followed) -> Response:
    asked.require_there()
    request = asked.request
    if request.location.kind not in (Kind.BOOK, Kind.ENTRY):
        raise DavError(403, "This resource answers no such report.", dav("supported-report"))
    match read_report(request.body, request.location.kind):
        case SyncCollection() as wished:
            return _sync_collection(asked, wished)
        case Multiget() as wished:
            return _multiget(asked, wished)
        case Query() as wished:
            return _query(asked, wished)
        case _:
            raise DavError(403, "This resource answers no such report.", dav("supported-report"))


def _sync_collection(asked: _Followed, wished: SyncCollection) -> Response:
    book, wanted = asked.book, wished.wanted
    if reached_in(asked.request, book, wished.token) == book.reached:
        return multistatus((), book.sync_token)
    part = asked.entry(wanted, asked.template(wanted), rendition(asked.request, wanted))
    return multistatus([part], book.sync_token)


def _multiget(asked: _Followed, wished: Multiget) -> Response:
    wanted, template = wished.wanted, asked.template(wished.wanted)
    hrefs = wished.hrefs or ((asked.url,) if asked.request.location.kind is Kind.ENTRY else ())
    named = {each: _is_card(asked, each) for each in hrefs}
    parts = [gone(each) for each, is_card in named.items() if not is_card]
    if any(named.values()):
        parts.insert(0, asked.entry(wanted, template, rendition(asked.request, wanted)))
    return multistatus(parts)


def _is_card(asked: _Followed, url: str) -> bool:
    path = paths.decode(url, asked.place.prefix)
    location = paths.locate(path) if path is not None else None
    return location == (Kind.ENTRY, asked.link.follower, CONTACTS_PATH, HREF)


def _query(asked: _Followed, wished: Query) -> Response:
    request, wanted = asked.request, wished.wanted
    if (request.location.kind is Kind.BOOK and request.depth == "0") or wished.limit == 0:
        return multistatus([])
    search = Search(wished.filters, all_of=wished.all_of)
    found, other = asked.text(rendition(request, wanted)), asked.text("3.0" if wanted.card_version == "4.0" else "4.0")
    if not search.finds(found.text, other.text):
        return multistatus([])
    asked.count(wanted)
    return multistatus([asked.template(wanted).render(found)])


def _get(asked: _Followed) -> Response:
    asked.require_there()
    request = asked.request
    if request.location.kind is not Kind.ENTRY:
        raise DavError(405, "A collection has no content of its own; ask with PROPFIND.")
    version = version_wanted(request.accept)
    found = asked.text(version or "3.0")
    etag = found.etag if version in (None, "3.0") else marked(found.etag, "4.0")
    headers = [("ETag", etag), ("Last-Modified", formatdate(found.changed_at, usegmt=True)), ("Vary", "Accept")]
    headers += PRIVATE_CARD
    request.conditions.check_read(found.etag)
    if request.conditions.not_modified(etag):
        return Response(304, headers)
    if request.method == "GET":
        asked.gate.note(asked.link, FETCHED)
    return Response(200, [("Content-Type", VCARD_TYPE), *headers], found.text.encode())


def _put(asked: _Followed) -> Response:
    request = asked.request
    is_card, is_apple = _names_card(asked), _APPLE.match(request.user_agent) is not None
    if is_apple and is_card:
        asked.gate.offer_again(asked.link)
        return Response(204)
    if is_apple and request.location.kind is Kind.ENTRY and _IS_LIST.search(request.body):
        # A list of the phone's own has nothing of anybody in it; it stays there.
        return Response(201)
    if is_card:
        request.conditions.check(asked.link.etag)
        asked.gate.offer_again(asked.link)
        raise needs_privilege(request.url, "write-content", _TOLD)
    raise needs_privilege(asked.place.book(asked.book), "bind", _TOLD)


def _delete(asked: _Followed) -> Response:
    asked.require_there()
    request = asked.request
    if _names_card(asked) and _APPLE.match(request.user_agent):
        asked.gate.offer_again(asked.link)
        return Response(204)
    raise needs_privilege(request.url, "unbind", _TOLD)


def _names_card(asked: _Followed) -> bool:
    location = asked.request.location
    return (location.book, location.name) == (CONTACTS_PATH, HREF)


def _refuse(asked: _Followed) -> Response:
    raise needs_privilege(asked.request.url, "write", _TOLD)


def _proppatch(asked: _Followed) -> Response:
    """Let nothing be set, but a phone say which card is its user's own, which old programs of Apple's need (I-20)."""
    asked.require_there()
    root = parse(asked.request.body)
    if root.tag != dav("propertyupdate"):
        raise DavError(400, "The body of a PROPPATCH is a DAV:propertyupdate element.")
    nodes = [node for prop in root.iter(dav("prop")) for node in prop]
    names = list(dict.fromkeys(str(node.tag) for node in nodes))
    taken = {ME_CARD} if asked.request.location.kind is Kind.PRINCIPAL else set[str]()
    refused = [name for name in names if name not in taken]
    parts = []
    for name in names:
        status = "403 Forbidden" if name in refused else "424 Failed Dependency" if refused else "200 OK"
        error = element(dav("error"), element(dav("cannot-modify-protected-property"))) if name in refused else ""
        prop = element(dav("prop"), element(name))
        parts.append(f"<D:propstat>{prop}<D:status>HTTP/1.1 {status}</D:status>{error}</D:propstat>")
    if not parts:
        parts.append("<D:propstat><D:prop/><D:status>HTTP/1.1 200 OK</D:status></D:propstat>")
    return multistatus([f"<D:response>{href(asked.request.url)}{''.join(parts)}</D:response>\n"])


_HANDLERS: Mapping[str, Callable[[_Followed], Response]] = {
    "PROPFIND": _propfind,
    "REPORT": _report,
    "GET": _get,
    "HEAD": _get,
    "PUT": _put,
    "DELETE": _delete,
    "PROPPATCH": _proppatch,
    **dict.fromkeys(("MKCOL", "MOVE", "COPY", "ACL"), _refuse),
}
