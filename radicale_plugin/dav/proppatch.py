"""PROPPATCH, RFC 4918, 9.2: the title of an address book, and nothing that this server looks after itself."""

from __future__ import annotations

from lxml import etree

from radicale_plugin.dav.bodies import parse
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.multistatus import multistatus
from radicale_plugin.dav.names import dav, element, href
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import book_of
from radicale_plugin.dav.responses import Response
from radicale_plugin.paths import Kind
from sync import address_books

_OK = "HTTP/1.1 200 OK"
_FORBIDDEN = "HTTP/1.1 403 Forbidden"
_FAILED = "HTTP/1.1 424 Failed Dependency"


def proppatch(service: Service, request: Request) -> Response:
    """
    Set properties, all of them or none: one that cannot be set is answered with 403, the others with 424.

    Raises:
        DavError: 400 for a body that is no ``DAV:propertyupdate``.
    """
    root = parse(request.body)
    if root.tag != dav("propertyupdate"):
        raise DavError(400, "The body of a PROPPATCH is a DAV:propertyupdate element.")
    wanted = [node for change in root for prop in change.findall(dav("prop")) for node in prop]
    url = request.place.principal
    allowed: set[str] = set()
    if request.location.kind is Kind.BOOK:
        book = book_of(service, request)
        url = request.place.book(book)
        allowed = {dav("displayname")}
        titles = [_title(node) for node in wanted if node.tag in allowed]
        if titles and all(node.tag in allowed for node in wanted):
            service.database.write(lambda session: address_books.set_title(session, book, titles[-1]))
    refused = any(node.tag not in allowed for node in wanted)
    parts = []
    for node in wanted:
        status = _FORBIDDEN if node.tag not in allowed else _FAILED if refused else _OK
        error = element(dav("error"), element(dav("cannot-modify-protected-property"))) if status == _FORBIDDEN else ""
        prop = element(dav("prop"), element(str(node.tag)))
        parts.append(f"<D:propstat>{prop}<D:status>{status}</D:status>{error}</D:propstat>")
    return multistatus([f"<D:response>{href(url)}{''.join(parts)}</D:response>\n"])


def _title(node: etree._Element) -> str:
    return " ".join((node.text or "").split())
