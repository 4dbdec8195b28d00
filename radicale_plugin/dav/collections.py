"""Making and deleting address books: extended MKCOL, RFC 5689, and DELETE of what was made by it."""

from __future__ import annotations

from radicale_plugin.dav.bodies import parse
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.names import card, dav
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import book_of
from radicale_plugin.dav.responses import Response
from radicale_plugin.paths import Kind
from sync import address_books
from sync.errors import AlreadyExists, InvalidInput, LimitExceeded, Refused

_SETTABLE = frozenset({dav("resourcetype"), dav("displayname"), card("addressbook-description")})


def make(service: Service, request: Request) -> Response:
    """
    Answer MKCOL: make an address book for private contacts, with a slash at the end of its path or without.

    Raises:
        DavError: 403 ``valid-resourcetype`` for anything but an address book, 405 where there is something, 409 where
        there can be none.
    """
    if request.location.kind is not Kind.BOOK:
        raise DavError(405 if request.location.kind is not Kind.ENTRY else 403, "An address book cannot be made here.")
    title = _title(request.body)
    caller = request.place.caller
    try:
        service.database.write(
            lambda session: address_books.create(session, caller.account_id, request.location.book, title)
        )
    except AlreadyExists as error:
        raise DavError(405, str(error)) from error
    except LimitExceeded as error:
        raise DavError(507, str(error)) from error
    except InvalidInput as error:
        raise DavError(403, str(error)) from error
    return Response(201)


def delete(service: Service, request: Request) -> Response:
    """
    Answer DELETE of an address book: one that the person made goes with its contacts; that of their connections stays.

    Raises:
        DavError: 403 ``need-privileges`` for everything else, 404.
    """
    if request.location.kind is not Kind.BOOK:
        raise DavError(403, "This cannot be deleted.", dav("need-privileges"))
    book = book_of(service, request)
    try:
        service.database.write(lambda session: address_books.remove(session, book))
    except Refused as error:
        raise DavError(403, str(error), dav("need-privileges")) from error
    return Response(204)


def _title(body: bytes) -> str:
    if not body.strip():
        raise DavError(403, "Only address books can be made here.", dav("valid-resourcetype"))
    root = parse(body)
    if root.tag != dav("mkcol"):
        raise DavError(415, "The body of a MKCOL is a DAV:mkcol element.")
    props = {str(node.tag): node for prop in root.findall(f"{dav('set')}/{dav('prop')}") for node in prop}
    kinds = props.get(dav("resourcetype"))
    if kinds is None or {str(kind.tag) for kind in kinds} != {dav("collection"), card("addressbook")}:
        raise DavError(403, "Only address books can be made here.", dav("valid-resourcetype"))
    if props.keys() - _SETTABLE:
        raise DavError(403, "An address book is made with a title and nothing else.")
    title = props.get(dav("displayname"))
    return " ".join((title.text or "").split()) if title is not None else ""
