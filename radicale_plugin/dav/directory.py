"""
The directory: a collection that can be searched and not read through (client fact I-21; draft-daboo-carddav-directory).

A phone looks there for people whom its owner is not connected to. It finds whom the portal finds, by a whole name,
login, verified address or number, as often as the portal lets a person look, and shows what strangers may see. Each
number and address counts as a look. Nothing of that comes into anybody's address book.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from radicale_plugin.dav.bodies import Query, read_propfind, read_report
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.filter_xml import PropFilter
from radicale_plugin.dav.multistatus import multistatus
from radicale_plugin.dav.names import dav
from radicale_plugin.dav.paths import DIRECTORY as PATH
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.prefer import NO_ROOT
from radicale_plugin.dav.properties import DIRECTORY, EntryTemplate, collection_response, truncated
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.responses import Response
from sync.books.entries import EntryText
from sync.books.etags import etag_of
from sync.database.engine import Session
from sync.discovery import directory
from sync.errors import TooManyTries
from sync.queries import previews
from sync.revisions.address_books import Book
from sync.sharing.connections import CONNECTION
from sync.sharing.visibility import STRANGER

#: Properties by which people are looked for; what a phone asks of others beside them finds nobody.
_SEARCHED = frozenset({"FN", "N", "NICKNAME", "EMAIL", "TEL", "X-PHONETIC-FIRST-NAME", "X-PHONETIC-LAST-NAME"})
#: A phone asks with every letter that is typed; shorter texts than these are the beginning of something.
_LEAST = 2
_MOST_TEXTS = 3
#: Makes a UID of a result that is always the same and says nothing.
_NAMESPACE = uuid.UUID("6f1e9a52-2c5c-4e0b-9d2a-0d7c1e4a8b37")


def propfind(_service: Service, request: Request) -> Response:
    """
    Answer a PROPFIND. The directory has no members that could be listed, which is no error.

    Raises:
        DavError: 403 ``propfind-finite-depth``.
    """
    wanted = read_propfind(request.body).wanted
    if request.depth.lower() == "infinity":
        raise DavError(403, "A PROPFIND goes one level deep at most.", dav("propfind-finite-depth"))
    if request.depth not in ("", "0", "1"):
        raise DavError(400, "The Depth of a PROPFIND is 0 or 1.")
    if request.depth == "1" and NO_ROOT in request.preferences:
        return multistatus([])
    place = request.place
    return multistatus([collection_response(place.directory, DIRECTORY, place, wanted, minimal=request.minimal)])


def report(service: Service, request: Request) -> Response:
    """
    Answer an addressbook-query with the people who are found by what is looked for, as strangers may see them.

    An answer that ends with 507 says that there may be more: too many were found, or the person looked too often.

    Raises:
        DavError: 403 ``supported-report`` for any other report.
    """
    asked = read_report(request.body, Kind.DIRECTORY)
    assert isinstance(asked, Query)  # noqa: S101 - the directory supports no other report
    caller = request.place.caller
    book = Book(caller.account_id, 0, PATH, "", 0, 0)
    template = EntryTemplate(request.place, book, asked.wanted, minimal=request.minimal)
    texts = _texts(asked.filters)

    def parts() -> Iterator[str]:
        try:
            found = directory.search_any(service.database, caller.account_id, texts, request.source)
        except TooManyTries:
            yield truncated(request.place.directory)
            return
        limit = len(found) if asked.limit is None else asked.limit
        with service.database.reading() as session:
            for each in found[:limit]:
                yield template.render(_entry(session, each, asked.wanted.card_version))
        if limit < len(found):
            yield truncated(request.place.directory)

    return multistatus(parts() if texts else ())


def _texts(filters: tuple[PropFilter, ...]) -> list[str]:
    """Return what a person typed: as one text, as phones send the words of a name one by one, and each word."""
    words = [
        match.value.strip()
        for wanted in filters
        if wanted.name.rpartition(".")[2].upper() in _SEARCHED
        for match in wanted.matches
        if not match.negate and len(match.value.strip()) >= _LEAST
    ]
    words = list(dict.fromkeys(words))[:_MOST_TEXTS]
    return list(dict.fromkeys([" ".join(words), *words])) if words else []


def _entry(session: Session, found: directory.Found, version: str) -> EntryText:
    uid = str(uuid.uuid5(_NAMESPACE, str(found.account_id)))
    card = previews.for_audience(session, found.account_id, STRANGER, version, uid=uid)
    changed_at = 0
    tag = uuid.uuid5(_NAMESPACE, card).hex
    return EntryText(f"{uid}.vcf", uid, CONNECTION, etag_of(tag, None, changed_at), changed_at, card)
