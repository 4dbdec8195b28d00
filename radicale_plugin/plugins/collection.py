"""An address book, a principal or the root, as Radicale's own methods see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from email.utils import formatdate
from typing import overload
from xml.etree import ElementTree as ET

from radicale.item import Item
from radicale.storage import BaseCollection
from typing_extensions import override

from radicale_plugin.dav import filter_xml
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.filters import Search
from radicale_plugin.dav.names import card
from radicale_plugin.plugins import vobject_guard
from sync.books.entries import EntryText
from sync.database.engine import Session
from sync.errors import EvercardError, NotFound
from sync.lists import device_edits, device_view
from sync.lists.device_edits import Edits
from sync.lists.device_view import View
from sync.revisions import address_books
from sync.revisions.address_books import Book


class Folder(BaseCollection):
    """The root or a principal: a collection that holds nothing by itself and cannot be changed."""

    def __init__(self, path: str) -> None:
        """Stand for *path*, which has no slash at its ends."""
        self._path = path

    @property
    @override
    def path(self) -> str:
        return self._path

    @override
    def get_all(self) -> Iterable[Item]:
        return ()

    @override
    def get_multi(self, hrefs: Iterable[str]) -> Iterable[tuple[str, Item | None]]:
        return ((href, None) for href in hrefs)

    @overload
    def get_meta(self, key: None = None) -> Mapping[str, str]: ...

    @overload
    def get_meta(self, key: str) -> str | None: ...

    @override
    def get_meta(self, key: str | None = None) -> Mapping[str, str] | str | None:
        return self._meta() if key is None else self._meta().get(key)

    @property
    @override
    def last_modified(self) -> str:
        return formatdate(0, usegmt=True)

    def _meta(self) -> Mapping[str, str]:
        return {}


class Collection(Folder):
    """An address book in the transaction of Radicale's lock."""

    def __init__(self, session: Session, login: str, book: Book) -> None:
        """Stand for *book* of the person with this *login*."""
        super().__init__(f"{login}/{book.path}")
        self._session = session
        self._book = book

    @property
    @override
    def etag(self) -> str:
        states = "".join(f"-{key:x}.{revision}" for key, revision in self._book.reached.rosters)
        return f'"{self._book.epoch:x}-{self._book.revision}{states}"'

    @override
    def sync(self, old_token: str = "") -> tuple[str, Iterable[str]]:
        since = self._book.reached_of(old_token) if old_token else None
        return self._book.sync_token, [head.href for head in self._view.heads(self._session, self._book, since)]

    @override
    def get_all(self) -> Iterator[Item]:
        return map(self._item, self._view.texts(self._session, self._book))

    @override
    def get_multi(self, hrefs: Iterable[str]) -> Iterator[tuple[str, Item | None]]:
        wanted = list(dict.fromkeys(hrefs))
        missing = set(wanted)
        for entry in self._view.texts(self._session, self._book, hrefs=wanted):
            missing.discard(entry.href)
            yield entry.href, self._item(entry)
        yield from ((href, None) for href in missing)

    @override
    def get_filtered(self, filters: Iterable[ET.Element]) -> Iterator[tuple[Item, bool]]:
        # Radicale's own filters would hand every card to vobject. An answer of True says that nothing is left to check.
        try:
            wanted = [_search(node) for node in filters if node.tag == card("filter")]
        except DavError as error:
            raise ValueError(str(error)) from error
        for entry, stored in self._view.searched(self._session, self._book):
            if all(search.finds(entry.text, stored) for search in wanted):
                yield self._item(entry), True

    @override
    def has_uid(self, uid: str) -> bool:
        return self._edits.has_uid(self._session, self._book, uid)

    @override
    def upload(self, href: str, item: Item) -> tuple[Item, Item | None]:
        before = next((found for _, found in self.get_multi([href])), None)
        source = vobject_guard.source_of(item.vobject_item)
        try:
            head = self._edits.write(self._session, self._book, href, source, _any_state, None)
        except EvercardError as error:
            raise ValueError(str(error)) from error
        self._book = device_view.find(self._session, self._book.viewer_id, self._book.path) or self._book
        # What a reader had taken off their devices comes back under its own name.
        stored = next(found for _, found in self.get_multi([head.href]))
        if stored is None:
            raise ValueError("The entry could not be stored.")
        return stored, before

    @override
    def delete(self, href: str | None = None) -> None:
        if href is None:
            raise ValueError("An address book cannot be deleted.")
        try:
            self._edits.remove(self._session, self._book, href, _any_state)
        except NotFound as error:
            raise ValueError(str(error)) from error

    @override
    def set_meta(self, props: Mapping[str, str]) -> None:
        if self._book.shared is not None:
            raise ValueError("What a shared address book is called, its organisation says.")
        address_books.set_title(self._session, self._book, props.get("D:displayname", ""))

    @property
    def _view(self) -> View:
        return device_view.of(self._book)

    @property
    def _edits(self) -> Edits:
        return device_edits.of(self._book)

    @override
    def _meta(self) -> Mapping[str, str]:
        return {"tag": "VADDRESSBOOK", "D:displayname": self._book.title}

    def _item(self, entry: EntryText) -> Item:
        return Item(
            collection=self,
            href=entry.href,
            text=entry.text,
            etag=entry.etag,
            uid=entry.uid,
            name="VCARD",
            component_name="VCARD",
            last_modified=formatdate(entry.changed_at, usegmt=True),
            time_range=(0, 0),
        )


def _search(node: ET.Element) -> Search:
    wanted, all_of = filter_xml.read_filter(node)
    return Search(wanted, all_of=all_of)


def _any_state(_etag: str | None) -> None:
    # Radicale has compared If-Match and If-None-Match with what it was shown in the same transaction.
    return
