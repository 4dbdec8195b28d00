"""REPORT: sync-collection (RFC 6578), addressbook-multiget and addressbook-query (RFC 6352) here, others elsewhere."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

from radicale_plugin.dav import expand, paths, principals
from radicale_plugin.dav.bodies import Multiget, PrincipalReport, Query, SyncCollection, read_report
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.expand_xml import ExpandProperty
from radicale_plugin.dav.filters import Search
from radicale_plugin.dav.handing import Handing
from radicale_plugin.dav.multistatus import multistatus
from radicale_plugin.dav.names import dav
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.principal_xml import AclPrincipals, PrincipalMatch, PrincipalSearch, SearchableProperties
from radicale_plugin.dav.properties import EntryTemplate, gone, truncated
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import book_of, existing, kept_of_entries
from radicale_plugin.dav.responses import Response
from radicale_plugin.dav.wanted import Wanted
from sync.books.entries import EntryHead
from sync.books.entry_texts import EntryText
from sync.books.served import THUNDERBIRD
from sync.database.engine import Session
from sync.errors import InvalidSyncToken
from sync.lists import device_view
from sync.revisions.address_books import CONTACTS_PATH, Book, Reached


def report(service: Service, request: Request) -> Response:
    """
    Answer a REPORT.

    A multiget and a synchronization, whatever the Depth header says: clients send 0, 1 and none for the same thing. A
    query of an address book looks into it, except where Depth is 0, which means the book itself and none of its cards.

    Raises:
        DavError: 403 ``supported-report`` for a report that the resource does not answer; whatever the report refuses.
    """
    match read_report(request.body, request.location.kind):
        case SyncCollection() as asked:
            return _sync_collection(service, request, book_of(service, request), asked)
        case Multiget() as asked:
            return _multiget(service, request, book_of(service, request), asked)
        case Query() as asked:
            return _query(service, request, book_of(service, request), asked)
        case other:
            return _of_one_resource(service, request, other)


def is_poll_of(book: Book, request: Request) -> bool:
    """Whether a request asks what changed since the very state of *book*, so that the answer is: nothing."""
    try:
        asked = read_report(request.body, request.location.kind)
    except DavError:
        return False
    return isinstance(asked, SyncCollection) and asked.token == book.sync_token


def _of_one_resource(service: Service, request: Request, asked: ExpandProperty | PrincipalReport) -> Response:
    if request.depth not in ("", "0"):
        raise DavError(400, "The Depth of this report is 0.")
    match asked:
        case ExpandProperty():
            return expand.expand_property(service, request, asked)
        case AclPrincipals():
            return principals.acl_principals(service, request, asked)
        case PrincipalMatch():
            return principals.match(service, request, asked)
        case PrincipalSearch():
            return principals.search(service, request, asked)
        case SearchableProperties():
            return principals.searchable_properties()


def _sync_collection(service: Service, request: Request, book: Book, asked: SyncCollection) -> Response:
    if asked.token == (now := book.sync_token):
        _note_sync(service, request, book, book.revision)
        return multistatus((), now)
    since = reached_in(request, book, asked.token)
    template = _template(service, request, book, asked.wanted)
    handing = Handing(service, request, asked.wanted)
    until = _end(service, book, since, asked.limit)

    def parts() -> Iterator[str]:
        if since is not None and not template.needs_text:
            yield from _listed(template, device_view.of(book).changed_heads(service.database, book, since, until))
        else:
            with service.database.reading() as session:
                yield from _listed(template, device_view.of(book).heads(session, book, since, until=until))
                if template.needs_text:
                    form = rendition(request, asked.wanted)
                    for text in device_view.of(book).texts(session, book, form, since=since, until=until):
                        yield template.render(handing.card(text))
        if until is not None:
            yield truncated(request.place.book(book))

    reached = book.reached if until is None else until
    answer = multistatus(parts(), book.token_of(reached))
    handing.note()
    _note_sync(service, request, book, reached.revision)
    return answer


def _listed(template: EntryTemplate, heads: Iterable[EntryHead]) -> Iterator[str]:
    """Yield the entries that are gone, and those that are there where their cards are not asked for as well."""
    for head in heads:
        if not head.present:
            yield gone(template.url(head.href))
        elif not template.needs_text:
            yield template.render(head)


def _template(service: Service, request: Request, book: Book, wanted: Wanted) -> EntryTemplate:
    kept = functools.partial(kept_of_entries, service, book)
    return EntryTemplate(request.place, book, wanted, minimal=request.minimal, kept=kept)


def _note_sync(service: Service, request: Request, book: Book, revision: int) -> None:
    if book.path == CONTACTS_PATH:
        service.gate.note_sync(request.place.caller, revision)


def _end(service: Service, book: Book, since: Reached | None, limit: int | None) -> Reached | None:
    """Return the state that an answer with at most *limit* entries ends at, None where all of them fit."""
    if limit is None:
        return None
    with service.database.reading() as session:
        reached, is_one = device_view.of(book).end(session, book, since, limit)
    # What has one revision changed together; a token cannot name half of it.
    if not is_one:
        raise DavError(507, "More entries changed together than fit.", dav("number-of-matches-within-limits"))
    return reached


def rendition(request: Request, wanted: Wanted) -> str:
    """Return in what form cards are wanted; Thunderbird names none, and shows more of one that is made for it."""
    if "Thunderbird" in request.user_agent and not (wanted.says_version or wanted.card_lines):
        return THUNDERBIRD
    return wanted.card_version


def reached_in(request: Request, book: Book, token: str) -> Reached | None:
    """
    Return what of *book* a token stands for, None for the empty one of a first synchronization.

    Raises:
        DavError: ``valid-sync-token``.
    """
    if not token:
        return None
    try:
        return book.reached_of(token)
    except InvalidSyncToken as error:
        # Thunderbird starts again at 400 and is stuck for ever at the 403 that RFC 6578 has (client fact T-6).
        status = 400 if "Thunderbird" in request.user_agent else 403
        raise DavError(status, str(error), dav("valid-sync-token")) from error


def _multiget(service: Service, request: Request, book: Book, asked: Multiget) -> Response:
    template = _template(service, request, book, asked.wanted)
    handing = Handing(service, request, asked.wanted)
    members = request.place.book(book)
    names = {href: _name(request, book, href, href.removeprefix(members)) for href in asked.hrefs}
    if request.location.kind is Kind.ENTRY:
        url = existing(service, request).url
        names = names or {url: request.location.name}

    def parts() -> Iterator[str]:
        missing = {name for name in names.values() if name}
        for entry in device_view.of(book).named(
            service.database, book, rendition(request, asked.wanted), list(missing)
        ):
            missing.discard(entry.href)
            yield template.render(handing.card(entry))
        for href, name in names.items():
            if name is None:
                yield gone(href)
            elif name in missing:
                # One name may have been spelled in two ways.
                missing.discard(name)
                yield gone(template.url(name))

    answer = multistatus(parts())
    handing.note()
    return answer


def _name(request: Request, book: Book, href: str, rest: str) -> str | None:
    """
    Return the name of the entry that *href* is about, None where it is no member of what was asked.

    *rest* is what is left of it without the URL of *book*. Hardly any client spells the one or the other as we do not.
    """
    if len(rest) < len(href) and paths.is_plain(rest) and rest[:1] not in ("", ".") and not request.location.name:
        return rest
    path = paths.decode(href, request.place.prefix)
    location = paths.locate(path) if path is not None else None
    if location is None or location.kind is not Kind.ENTRY:
        return None
    if (location.login, location.book) != (request.place.caller.login, book.path):
        return None
    return location.name if request.location.name in ("", location.name) else None


def _query(service: Service, request: Request, book: Book, asked: Query) -> Response:
    template = _template(service, request, book, asked.wanted)
    handing = Handing(service, request, asked.wanted)
    search = Search(asked.filters, all_of=asked.all_of)
    hrefs = None
    url = request.place.book(book)
    if request.location.kind is Kind.ENTRY:
        url, hrefs = existing(service, request).url, [request.location.name]
    elif request.depth == "0":
        hrefs = []

    def parts() -> Iterator[str]:
        found = 0
        with service.database.reading() as session:
            for entry, stored in _searched(session, book, search, rendition(request, asked.wanted), hrefs):
                if not search.finds(entry.text, stored):
                    continue
                if found == asked.limit:
                    yield truncated(url)
                    return
                found += 1
                yield template.render(handing.card(entry))

    answer = multistatus(parts())
    handing.note()
    return answer


def _searched(
    session: Session, book: Book, search: Search, version: str, hrefs: list[str] | None
) -> Iterator[tuple[EntryText, str]]:
    """Yield every entry with what else is to be looked through for it."""
    if search.matters_which_version():
        yield from device_view.of(book).searched(session, book, version, hrefs=hrefs)
    else:
        for entry in device_view.of(book).texts(session, book, version, hrefs=hrefs):
            yield entry, entry.stored
