"""
DAVx5 4.5 on Android, after its source: what it asks, in which order, and what it checks.

`set_up` adds the account, `sync` is one synchronization of an address book, as by its interval or by pulling down.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import unquote, urljoin, urlsplit
from xml.sax.saxutils import escape

from tests.acceptance.clients import davx5_cards
from tests.acceptance.clients.davx5_cards import Contact
from tests.acceptance.clients.wire import (
    NAMESPACES,
    Wire,
    conditions,
    hrefs_in,
    multistatus,
    names_in,
    require,
)
from tests.support.dav import CARD, CS, DATA, DAV, ETAG, SYNC_TOKEN, Exchange, Resource
from tests.support.push_service import P as PUSH
from tests.support.push_service import Received, Subscriber

_HEADERS = {"User-Agent": "DAVx5/4.5-ose (dav4jvm; okhttp/5.1.0) Android/15", "Accept-Language": "en-US, en;q=0.7"}
_XML = {"Content-Type": "application/xml; charset=utf-8"}
#: How many cards it fetches in one request (client fact D-6).
BATCH = 10
_PUSH = 'xmlns:P="https://bitfire.at/webdav-push"'
_BASE = (
    "<A:resourcetype/><A:displayname/><A:current-user-principal/><B:addressbook-home-set/><B:addressbook-description/>"
)
_HOME = (
    f"<A:current-user-privilege-set/><A:displayname/><A:owner/><A:resourcetype/><P:transports {_PUSH}/>"
    f"<P:topic {_PUSH}/><B:addressbook-description/>"
)
_STATE = (
    '<A:supported-report-set/><A:sync-token/><C:getctag/><X:max-resource-size xmlns:X="urn:ietf:params:xml:ns:caldav"/>'
    "<B:max-resource-size/><B:supported-address-data/>"
)


@dataclass
class Local:
    """A contact on the phone. *name* is empty and *etag* None until it was uploaded; *fetched* is the server's text."""

    contact: Contact
    name: str = ""
    etag: str | None = None
    dirty: bool = False
    deleted: bool = False
    fetched: str = ""


@dataclass
class Book:
    """
    An address book as the account lists it, with what is on the phone. *token* is None before the first sync.

    *key* and *topic* are what it needs for push, and *registration* the URL that it got for that.
    """

    url: str
    title: str
    read_only: bool
    token: str | None = None
    version: str = "3.0"
    key: str = ""
    topic: str = ""
    registration: str = ""
    cards: list[Local] = field(default_factory=list)

    def named(self, name: str) -> Local | None:
        """Return the contact that was uploaded or fetched under this file name."""
        return next((local for local in self.cards if local.name == name), None)


@dataclass
class DAVx5:
    """One account. *errors* are the red notifications that its user has seen."""

    wire: Wire
    principal: str = ""
    home: str = ""
    books: dict[str, Book] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def set_up(self, base: str = "/") -> None:
        """Add the account by its base URL, and refresh the list of collections."""
        answers, _ = self._propfind(base, _BASE)
        self.principal = self._principal_in(answers)
        if not self.principal:
            answers, _ = self._propfind("/.well-known/carddav", "<A:current-user-principal/>")
            self.principal = self._principal_in(answers)
        asked = self._send("OPTIONS", self.principal)
        # Client fact D-1.
        require("addressbook" in asked.header("DAV").replace(" ", "").split(","), "no address books", asked)
        self.refresh()

    def refresh(self) -> None:
        """Refresh the list of collections: only so are new address books found (client fact D-2)."""
        names = "<A:displayname/><A:group-membership/><A:resourcetype/><B:addressbook-home-set/>"
        answers, asked = self._propfind(self.principal, names)
        (self.home,) = hrefs_in(answers[self.principal], f"{{{CARD}}}addressbook-home-set")
        listed, asked = self._propfind(self.home, _HOME, depth="1")
        found = {
            url: resource
            for url, resource in listed.items()
            if f"{{{CARD}}}addressbook" in names_in(resource, f"{{{DAV}}}resourcetype")
        }
        require(bool(found), "no address book", asked)
        for url, resource in found.items():
            # Client fact D-3: without any of these it reverts every edit.
            privileges = names_in(resource, f"{{{DAV}}}current-user-privilege-set")
            may = {f"{{{DAV}}}{name}" for name in ("write-content", "write", "all")} & privileges
            unbind = {f"{{{DAV}}}{name}" for name in ("unbind", "write", "all")} & privileges
            title = resource.text(f"{{{DAV}}}displayname")
            known = self.books.get(url, Book(url, title, read_only=False))
            known.title, known.read_only = title, not (may and unbind)
            key = resource.properties.get(f"{PUSH}transports")
            # Client fact D-12: it registers where a key is shown.
            known.key = (key.findtext(f"{PUSH}web-push/{PUSH}vapid-public-key") or "") if key is not None else ""
            known.topic = resource.text(f"{PUSH}topic") if known.key else ""
            self.books[url] = known
        self.books = {url: book for url, book in self.books.items() if url in found}
        owners = {href for resource in found.values() for href in hrefs_in(resource, f"{{{DAV}}}owner")}
        for owner in sorted(owners):
            self._propfind(owner, "<A:displayname/><A:resourcetype/>")

    def make_book(self, name: str, title: str) -> Book:
        """Create an address book; *name* stands for the random one that it makes."""
        url = f"{self.home}{name}/"
        props = (
            "<A:resourcetype><A:collection/><B:addressbook/></A:resourcetype>"
            f"<A:displayname>{escape(title)}</A:displayname>"
            "<B:addressbook-description>Made on a phone</B:addressbook-description>"
        )
        body = f"<A:mkcol {NAMESPACES}><A:set><A:prop>{props}</A:prop></A:set></A:mkcol>"
        made = self._send("MKCOL", url, body, _XML)
        # A multistatus would be an error (client sequences, DAVx5 4).
        require(made.status in (200, 201, 204), "the address book was not made", made)
        self.books[url] = Book(url, title, read_only=False)
        return self.books[url]

    def subscribe(self, book: Book, subscriber: Subscriber) -> None:
        """Register for push, or register anew, as it does every day (client fact D-12)."""
        require(bool(book.key and book.topic), "push is not supported", self.wire.exchanges[-1])
        expires = formatdate(time.time() + 3 * 24 * 3600, usegmt=True)
        answer = self._send("POST", book.url, subscriber.register(expires=expires), _XML)
        require(200 <= answer.status < 300 and bool(answer.header("Expires")), "it is not registered", answer)
        book.registration = answer.header("Location")
        require("://" in book.registration, "there is no URL of the registration", answer)

    def unsubscribe(self, book: Book) -> None:
        """End it."""
        gone = self._send("DELETE", urlsplit(book.registration).path)
        require(gone.status in (200, 204, 404), "it is still registered", gone)
        book.registration = ""

    def hear(self, message: Received) -> list[Book]:
        """Return what is synchronized because of a message: the address book that it names, or all."""
        return [book for book in self.books.values() if message.topic in (None, book.topic)]

    def delete_book(self, book: Book) -> None:
        """Delete an address book that was made."""
        gone = self._send("DELETE", book.url)
        require(gone.status in (200, 204), "the address book was not deleted", gone)
        del self.books[book.url]

    def sync(self, book: Book) -> None:
        """Synchronize: local changes go first, then changes are listed, then what is new or changed is fetched."""
        state, asked = self._propfind(book.url, _STATE)
        token = self._capabilities(book, state[book.url], asked)
        deleted, dirty = [[local for local in book.cards if getattr(local, what)] for what in ("deleted", "dirty")]
        for local in deleted:
            self._delete(book, local)
        for local in dirty:
            self._upload(book, local)
        # Client fact D-4: with an equal token and nothing of its own it asks no more.
        if deleted or dirty or book.token != token:
            self._list(book)

    def _capabilities(self, book: Book, resource: Resource, asked: Exchange) -> str:
        reports = names_in(resource, f"{{{DAV}}}supported-report-set")
        require(f"{{{DAV}}}sync-collection" in reports, "it would list everything on every poll", asked)
        kinds = resource.properties[f"{{{CARD}}}supported-address-data"]
        offered = {(node.get("content-type"), node.get("version")) for node in kinds}
        # Client fact D-7: no user is asked.
        book.version = "4.0" if ("text/vcard", "4.0") in offered else "3.0"
        require(int(resource.text(f"{{{CARD}}}max-resource-size")) > 0, "no card would fit", asked)
        require(bool(resource.text(f"{{{CS}}}getctag")), "no ctag", asked)
        return resource.text(SYNC_TOKEN)

    def _delete(self, book: Book, local: Local) -> None:
        if local.name:
            match = {"If-Match": local.etag} if local.etag else {}
            # Whatever comes: it is ignored (client fact D-8). The card is downloaded again where it still is.
            self._send("DELETE", book.url + local.name, headers={**match, **_silent(book)})
        book.cards.remove(local)

    def _upload(self, book: Book, local: Local) -> None:
        # Without an ETag a known card is sent unconditionally.
        match = {"If-None-Match": "*"} if not local.name else {"If-Match": local.etag} if local.etag else {}
        name = local.name or f"{local.contact.uid}.vcf"
        kind = "text/vcard;version=4.0" if book.version == "4.0" else "text/vcard;charset=utf-8"
        text = davx5_cards.write(local.contact, book.version)
        answer = self._send("PUT", book.url + name, text, {"Content-Type": kind, **match, **_silent(book)})
        etag: str | None = answer.header("ETag") or None
        if answer.status in (404, 410):
            require(local.etag is not None, "the address book is gone", answer)
            local.etag = None
            self._upload(book, local)
            return
        if answer.status not in (200, 201, 204):
            # Client fact D-8: these are taken in silence and the server's state wins.
            needs = f"{{{DAV}}}need-privileges" in conditions(answer)
            if answer.status not in (409, 412) and not (answer.status == 403 and needs):
                self.errors.append(f"{answer.status} for {name}")
                return
            etag = None
        local.name, local.etag, local.dirty = name, etag, False

    def _list(self, book: Book) -> None:
        try_again, initial = True, book.token is None
        present: set[str] = set()
        while try_again:
            answer = self._changes(book.url, book.token or "")
            if f"{{{DAV}}}valid-sync-token" in conditions(answer):
                # Client fact D-5: it starts from nothing, whatever the status was.
                initial, present = True, set()
                answer = self._changes(book.url, "")
            try_again = self._apply(book, answer, present)
        if initial:
            book.cards = [local for local in book.cards if local.dirty or local.name in present]

    def _apply(self, book: Book, answer: Exchange, present: set[str]) -> bool:
        """Take one answer to a sync-collection report; return whether there is more."""
        found, token = multistatus(answer)
        require(bool(token), "a sync-collection answer without a token", answer)
        wanted, more = [], False
        for href, resource in found.items():
            if href == book.url:
                more = resource.status == 507
                continue
            require(href.startswith(book.url), f"no member: {href}", answer)
            name = unquote(href[len(book.url) :])
            local = book.named(name)
            if resource.status == 404:
                book.cards = [other for other in book.cards if other.name != name or other.dirty]
                continue
            etag = resource.text(ETAG)
            require(bool(etag), "a member without an ETag", answer)
            present.add(name)
            if local is None or local.etag != etag:
                wanted.append(href)
        for start in range(0, len(wanted), BATCH):
            self._download(book, wanted[start : start + BATCH])
        book.token = token
        return more

    def _download(self, book: Book, hrefs: Sequence[str]) -> None:
        version = ' version="4.0"' if book.version == "4.0" else ""
        names = f'<A:getcontenttype/><A:getetag/><B:address-data content-type="text/vcard"{version}/>'
        wanted = "".join(f"<A:href>{escape(href)}</A:href>" for href in hrefs)
        body = f"<B:addressbook-multiget {NAMESPACES}><A:prop>{names}</A:prop>{wanted}</B:addressbook-multiget>"
        answer = self._send("REPORT", book.url, body, {**_XML, "Depth": "0"})
        found, _ = multistatus(answer)
        for href, resource in found.items():
            if resource.status != 200:
                continue
            # Each of these is a hard error for it (client sequences, DAVx5 5 and 6).
            require(bool(resource.text(ETAG)), "a card without an ETag", answer)
            require(bool(resource.text(DATA)), "a card without its text", answer)
            kind = resource.text(f"{{{DAV}}}getcontenttype").replace(" ", "").lower()
            require(kind.startswith("text/vcard") and "charset=utf-8" in kind, "a card of another type", answer)
            name = unquote(href[len(book.url) :])
            local = book.named(name)
            if local is None:
                local = Local(Contact("?"), name)
                book.cards.append(local)
            if not local.dirty:
                local.contact = davx5_cards.read(resource.text(DATA))
                local.etag, local.fetched = resource.text(ETAG), resource.text(DATA)

    def _changes(self, url: str, token: str) -> Exchange:
        body = (
            f"<A:sync-collection {NAMESPACES}><A:sync-token>{escape(token)}</A:sync-token>"
            "<A:sync-level>1</A:sync-level><A:prop><A:getetag/><A:resourcetype/></A:prop></A:sync-collection>"
        )
        return self._send("REPORT", url, body, {**_XML, "Depth": "0"})

    def _principal_in(self, answers: dict[str, Resource]) -> str:
        found = [href for one in answers.values() for href in hrefs_in(one, f"{{{DAV}}}current-user-principal")]
        return urljoin("/", found[0]) if found else ""

    def _propfind(self, path: str, names: str, *, depth: str = "0") -> tuple[dict[str, Resource], Exchange]:
        body = f"<A:propfind {NAMESPACES}><A:prop>{names}</A:prop></A:propfind>"
        answer = self._send("PROPFIND", path, body, {**_XML, "Depth": depth})
        return multistatus(answer)[0], answer

    def _send(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> Exchange:
        answer = self.wire.send(method, path, body, {**_HEADERS, **(headers or {})})
        # A redirect from https to http would be refused, so none at all is best.
        require(not 300 <= answer.status < 400, "it was sent elsewhere", answer)
        require(answer.status != 401, "the password was refused", answer)
        return answer


def contacts(book: Book) -> Iterator[Local]:
    """Yield what the user sees in an address book: no groups, nothing that is deleted."""
    return (local for local in book.cards if not local.deleted and not local.contact.is_group)


def _silent(book: Book) -> dict[str, str]:
    """It does not want to be told of what it does itself."""
    return {"Push-Dont-Notify": f'"{book.registration}"'} if book.registration else {}
