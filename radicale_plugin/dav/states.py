"""Doing what was asked only in the state that a client named in an If header, RFC 4918, 10.4 and RFC 6578, 5."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from radicale_plugin.dav import paths, push_names
from radicale_plugin.dav.if_header import holds
from radicale_plugin.dav.paths import Kind, Location
from radicale_plugin.dav.requests import Request, Service
from sync.database.engine import Session
from sync.errors import PreconditionFailed
from sync.lists import device_edits, device_view
from sync.push import news
from sync.revisions.address_books import Book

T = TypeVar("T")


def write(service: Service, request: Request, change: Callable[[Session], T]) -> T:
    """
    Run *change* in a transaction, in which nothing that the If header names can become another before it is done.

    Raises:
        PreconditionFailed: It is not in that state now.
    """

    def guarded(session: Session) -> T:
        if request.dont_notify:
            caller = request.place.caller
            named = push_names.named(request.dont_notify, request.place)
            news.silence(session, caller.account_id, caller.device_id, named)
        if request.if_header:
            _hold(session, request)
            require(session, request)
        return change(session)

    return service.database.write(guarded, whole=True)


def _hold(session: Session, request: Request) -> None:
    account_id, location = request.place.caller.account_id, request.location
    device_edits.hold(session, account_id, location.book, location.name)


def require(session: Session, request: Request) -> None:
    """
    Compare what the If header says with how things are in this transaction.

    Raises:
        PreconditionFailed: They are not so.
    """
    if request.if_header and not holds(request.if_header, lambda url: _states(session, request, url)):
        raise PreconditionFailed("Something was changed meanwhile; fetch it again.")


def _states(session: Session, request: Request, url: str) -> frozenset[str]:
    location: Location | None = request.location
    if url:
        path = paths.decode(url, request.place.prefix)
        location = paths.locate(path) if path is not None else None
    caller = request.place.caller
    # What belongs to others is in no state, as what is not there.
    if location is None or location.login != caller.login or location.kind not in (Kind.BOOK, Kind.ENTRY):
        return frozenset()
    book = _book(session, request, location.book)
    if book is None:
        return frozenset()
    if location.kind is Kind.BOOK:
        return frozenset({book.sync_token})
    entry = device_view.of(book).head(session, book, location.name)
    return frozenset({entry.etag}) if entry is not None else frozenset()


def etag_of(session: Session, request: Request) -> str:
    """Return the ETag of the resource of the request, which is there; it is empty for a collection, which has none."""
    location = request.location
    if location.kind is not Kind.ENTRY:
        return ""
    book = _book(session, request, location.book)
    entry = device_view.of(book).head(session, book, location.name) if book is not None else None
    return entry.etag if entry is not None else ""


def _book(session: Session, request: Request, path: str) -> Book | None:
    """Return an address book of the person's as it is now, as their device sees it."""
    caller = request.place.caller
    book = device_view.find(session, caller.account_id, path)
    return device_view.with_lists(session, book, caller.lists) if book is not None else None
