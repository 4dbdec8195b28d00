"""GET, PUT and DELETE of entries, RFC 6352, 6.3 and RFC 9110."""

from __future__ import annotations

from email.utils import formatdate

from radicale_plugin.dav import collections, paths
from radicale_plugin.dav.conditions import marked
from radicale_plugin.dav.errors import DavError, needs_privilege
from radicale_plugin.dav.handing import Handing
from radicale_plugin.dav.if_header import IfHeader
from radicale_plugin.dav.names import card, href
from radicale_plugin.dav.negotiation import version_wanted
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.properties import VCARD_TYPE
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import book_of, existing
from radicale_plugin.dav.responses import Response
from radicale_plugin.dav.states import write
from sync.books import entries, served
from sync.books.device_copies import Writer
from sync.errors import InvalidVCard, LimitExceeded, NotFound, Refused, TooLarge, UIDConflict
from sync.lists import device_edits, device_view
from sync.lists.device_edits import Edits
from sync.revisions.address_books import Book

#: The versions that can be stored. A card that says none is not valid.
_VERSIONS = ("", "2.1", "3.0", "4.0")

_GONE = "The person whose card this was is not connected to you any more."

#: A card is for one person, and is a card whatever else it looks like.
PRIVATE_CARD = (("Cache-Control", "private, no-cache"), ("X-Content-Type-Options", "nosniff"))


def get(service: Service, request: Request) -> Response:
    """
    Answer GET and HEAD: one card, in the version that ``Accept`` names, or 304.

    A version that would not come by itself has an ETag of its own (RFC 4918, 8.8).

    Raises:
        DavError: 404, there is no such entry or collection; 405 for a collection; 406, the header accepts no version of
        vCard.
        PreconditionFailed: The entry is not in the state that was asked for.
    """
    if request.location.kind is not Kind.ENTRY:
        existing(service, request)
        raise DavError(405, "A collection has no content of its own; ask with PROPFIND.")
    book = book_of(service, request)
    version = version_wanted(request.accept)
    with service.database.reading() as session:
        entry = next(device_view.of(book).texts(session, book, None, hrefs=[request.location.name]), None)
        plain = entry
        if version is not None:
            entry = next(device_view.of(book).texts(session, book, version, hrefs=[request.location.name]), None)
    if entry is None or plain is None:
        raise DavError(404, "There is no such entry.")
    etag = entry.etag if version is None or entry.text == plain.text else marked(entry.etag, version)
    if request.method == "GET":
        handing = Handing(service, request)
        handing.card(entry)
        handing.note()
    headers = [("ETag", etag), ("Last-Modified", formatdate(entry.changed_at, usegmt=True)), ("Vary", "Accept")]
    headers += PRIVATE_CARD
    request.conditions.check_read(entry.etag)
    if request.conditions.not_modified(etag):
        return Response(304, headers)
    return Response(200, [("Content-Type", VCARD_TYPE), *headers], entry.text.encode())


def put(service: Service, request: Request) -> Response:
    """
    Store a private entry as it came, or make the profile what the person made of their own card.

    The answer has an ETag only when what will be served is exactly what was sent.

    Raises:
        DavError: 403, 405, 409 or 412, with the precondition of RFC 6352, 6.3.2.1 where it names one; nothing was
        changed.
    """
    _require_entry(request)
    book = book_of(service, request)
    existed: list[bool] = []

    def check(etag: str | None) -> None:
        existed[:] = [etag is not None]
        request.conditions.check(etag)

    edits = _edits(request, book)
    entries.look_ahead(service.database, book, request.location.name, request.body)
    try:
        stored = write(
            service,
            request,
            lambda session: edits.write(session, book, request.location.name, request.body, check, _writer(request)),
        )
    except TooLarge as error:
        raise DavError(403, str(error), card("max-resource-size")) from error
    except LimitExceeded as error:
        # A limit that is not advertised is not to be taken for one that is.
        raise DavError(403, str(error)) from error
    except InvalidVCard as error:
        condition = "valid-address-data" if _is_known(request.body) else "supported-address-data"
        raise DavError(403, str(error), card(condition)) from error
    except UIDConflict as error:
        raise _conflict(service, request, book, error.href, str(error)) from error
    except Refused as error:
        service.database.write(lambda session: edits.offer_again(session, book, request.location.name))
        # DAVx5 takes a 403 for what it is only with this body (client fact D-8).
        raise needs_privilege(request.url, "write-content", str(error)) from error
    verbatim = stored.as_sent and served.is_verbatim(request.body)
    headers = [("ETag", stored.etag)] if verbatim else []
    return Response(204 if existed[0] else 201, headers)


def delete(service: Service, request: Request) -> Response:
    """
    Delete a private entry, or hide a connection's.

    Raises:
        DavError: 403 for a collection that the person did not make, 404, 412.
    """
    if request.location.kind is not Kind.ENTRY:
        return collections.delete(service, request)
    book = book_of(service, request)
    edits = _edits(request, book)
    try:
        write(
            service,
            request,
            lambda session: edits.remove(session, book, request.location.name, request.conditions.check),
        )
    except NotFound as error:
        raise DavError(404, str(error)) from error
    return Response(204)


def _conflict(service: Service, request: Request, book: Book, name: str, told: str) -> DavError:
    """Return what to say of a UID that the entry of this *name* has, or had until its owner was gone."""
    with service.database.reading() as session:
        there = device_view.of(book).head(session, book, name)
    if there is None:
        return needs_privilege(request.url, "write-content", _GONE)
    url = request.place.book(book) + paths.href("", name, collection=False)[1:]
    return DavError(409, told, card("no-uid-conflict"), href(url))


def _edits(request: Request, book: Book) -> Edits:
    """Return what is done to a book of a person some device of whose shows groups as lists, or ever did, or none."""
    return device_edits.of(book, with_lists=request.place.caller.lists_revision is not None)


def _writer(request: Request) -> Writer:
    """Return who stores a card; whoever named the state of it knows that state, or the request is refused."""
    caller, named = request.place.caller, request.conditions.if_match
    knows = (named is not None and named.strip() != "*") or _names_state(request.if_header)
    return Writer(caller.account_id, caller.device_id, knows)


def _names_state(header: IfHeader) -> bool:
    """Whether each state in which the request is to be done says which the entry is in."""
    states = [[one for one in each.conditions if not each.url and not one.negated] for each in header]
    return bool(states) and all(any('"' in one.state for one in each) for each in states)


def _is_known(data: bytes) -> bool:
    """Whether this is no vCard of a version that is not supported; a text that is no vCard is just not valid."""
    text = data.decode(errors="replace")
    return not text.upper().startswith("BEGIN:VCARD") or served.version_of(text) in _VERSIONS


def _require_entry(request: Request) -> None:
    if request.location.kind is not Kind.ENTRY:
        raise needs_privilege(request.url, "write-content", "Address books and the principal cannot be replaced.")
