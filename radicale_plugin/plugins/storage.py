"""
Radicale's storage plugin: everybody's address books, out of the database.

Radicale's lock is the transaction. It catches some errors inside of it and then lets it commit, so every function of
the engine that changes something is all or nothing by itself.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from radicale import config
from radicale.item import Item
from radicale.storage import BaseCollection, BaseStorage
from typing_extensions import override

from radicale_plugin import settings
from radicale_plugin.dav.paths import Kind, locate
from radicale_plugin.plugins import callers
from radicale_plugin.plugins.collection import Collection, Folder
from sync.database import accounts
from sync.database.engine import Session
from sync.ends.watch import Watch
from sync.errors import NotFound
from sync.lists import device_view
from sync.revisions.address_books import Book


class Storage(BaseStorage):
    """What Radicale's methods read and write. It shows a person nothing but their own."""

    _supports_unicode = True
    _supports_trailing_whitespace = True
    _supports_problematic_chars = True

    def __init__(self, configuration: config.Configuration) -> None:
        """Open the database of *configuration* and bring it to the newest version."""
        super().__init__(configuration)
        self._database = settings.database(configuration)
        self._database.migrate()
        self._watch = Watch(self._database)
        self._local = threading.local()

    @contextlib.contextmanager
    @override
    def acquire_lock(self, mode: str, user: str = "", *args: Any, **kwargs: Any) -> Iterator[None]:
        if getattr(self._local, "session", None) is not None:
            # Radicale nests its locks; the outer one decides.
            yield
            return
        if self._watch.is_due():
            self._settle(user)
        transaction = self._database.writing() if mode == "w" else self._database.reading()
        with transaction as session:
            self._local.session, self._local.user = session, user
            try:
                yield
            finally:
                self._local.session = None

    @override
    def discover(
        self,
        path: str,
        depth: str = "0",
        child_context_manager: Callable[[str, str | None], AbstractContextManager[None]] | None = None,
        user_groups: set[str] = frozenset(),  # type: ignore[assignment]
    ) -> Iterator[BaseCollection | Item]:
        location = locate(path)
        if location is None:
            return
        if location.kind is Kind.ROOT:
            yield Folder("")
            return
        account_id = self._own(location.login)
        if account_id is None:
            return
        if location.kind is Kind.PRINCIPAL:
            yield Folder(location.login)
            if depth != "0":
                yield from (Collection(self._session, location.login, book) for book in self._shown(account_id))
            return
        book = device_view.find(self._session, account_id, location.book)
        if book is not None:
            yield from _at(Collection(self._session, location.login, book), location.name, depth)

    @override
    def move(self, item: Item, to_collection: BaseCollection, to_href: str) -> None:
        raise ValueError("Entries cannot be moved here.")

    @override
    def create_collection(
        self, href: str, items: Iterable[Item] | None = None, props: Mapping[str, str] | None = None
    ) -> tuple[BaseCollection, dict[str, Item], list[str]]:
        raise ValueError("Address books cannot be made or replaced here.")

    @override
    def verify(self) -> bool:
        return True

    @property
    def _session(self) -> Session:
        session: Session = self._local.session
        return session

    def _settle(self, user: str) -> None:
        account_id = None
        with self._database.reading() as session, contextlib.suppress(NotFound):
            account_id = accounts.find(session, user)
        self._watch.settle(account_id)

    def _shown(self, account_id: int) -> list[Book]:
        """Return the address books in somebody's home. Which program asks is not told here, so no Mac is spared any."""
        device_id = callers.device_of(self._local.user)
        return device_view.all_of(self._session, account_id, device_id, is_mac=False)

    def _own(self, login: str) -> int | None:
        if login != self._local.user:
            return None
        try:
            return accounts.find(self._session, login)
        except NotFound:
            return None


def _at(collection: Collection, name: str, depth: str) -> Iterator[BaseCollection | Item]:
    if name:
        yield from (item for _, item in collection.get_multi([name]) if item is not None)
        return
    yield collection
    if depth != "0":
        yield from collection.get_all()
