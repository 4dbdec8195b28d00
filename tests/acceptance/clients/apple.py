"""
Contacts on an iPhone and on a Mac, as servers have seen them: what both do.

They are closed programs. What is known is what was recorded, and what people reported; where nothing is known, the more
demanding behaviour is taken, and it says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from tests.acceptance.clients import apple_cards
from tests.acceptance.clients.apple_cards import Contact
from tests.acceptance.clients.wire import (
    NAMESPACES,
    Stopped,
    Wire,
    conditions,
    hrefs_in,
    multistatus,
    names_in,
    require,
)
from tests.support.dav import CARD, CS, DATA, DAV, ETAG, SYNC_TOKEN, Exchange, Resource

#: How many cards are fetched in one request (client fact I-14).
BATCH = 50
_XML = {"Content-Type": "text/xml", "Brief": "t", "Prefer": "return=minimal", "Accept": "*/*"}
_ROOT = "<A:current-user-principal/><A:principal-URL/><A:resourcetype/>"
_PRINCIPAL = (
    "<B:addressbook-home-set/><B:directory-gateway/><A:displayname/><C:email-address-set/>"
    "<A:principal-collection-set/><A:principal-URL/><A:resource-id/><A:supported-report-set/>"
)
_HOME = (
    '<A:add-member/><E:bulk-requests xmlns:E="http://me.com/_namespace/"/><A:current-user-privilege-set/>'
    "<A:displayname/><B:max-image-size/><B:max-resource-size/><C:me-card/><A:owner/><C:push-transports/><C:pushkey/>"
    "<A:quota-available-bytes/><A:quota-used-bytes/><A:resource-id/><A:resourcetype/><A:supported-report-set/>"
    "<A:sync-token/>"
)
_STATE = "<C:getctag/><A:sync-token/>"


@dataclass
class Card:
    """A card on the device. *etag* is empty until the server's state of it was seen."""

    contact: Contact
    etag: str = ""
    fetched: str = ""


@dataclass
class Book:
    """An address book of the account. *cards* are by their href."""

    url: str
    title: str
    ctag: str = ""
    token: str = ""
    cards: dict[str, Card] = field(default_factory=dict)


@dataclass
class Apple:
    """One account on one device. *blocked* are the writes that were refused, after which nothing comes any more."""

    wire: Wire
    principal: str = ""
    home: str = ""
    directory: str = ""
    me_card: str = ""
    largest_image: int = 0
    books: dict[str, Book] = field(default_factory=dict)
    blocked: list[str] = field(default_factory=list)
    accounts_agent = ""
    agent = ""
    product = ""

    def set_up(self) -> None:
        """Add the account by the name of the server, login and password."""
        self.principal = self._find_principal()
        offered = self._send("OPTIONS", self.principal, agent=self.accounts_agent)
        require("addressbook" in offered.header("DAV"), "no address books", offered)
        again = self._challenged("OPTIONS", self.principal, "", {}, self.agent)
        require(again.status == 200, "the account cannot be verified", again)
        described, asked = self._propfind(self.principal, _PRINCIPAL)
        homes = hrefs_in(described[self.principal], f"{{{CARD}}}addressbook-home-set")
        require(len(homes) == 1, "one home", asked)
        directories = hrefs_in(described[self.principal], f"{{{CARD}}}directory-gateway")
        # A Mac uses one, and both look for nothing in it until their person searches (I-21).
        require(len(directories) == 1, "one directory", asked)
        self.directory = directories[0]
        self.home = homes[0]
        self.list_books()

    def _find_principal(self) -> str:
        for place in ("/.well-known/carddav", "/", "/principals/"):
            answer = self._challenged("PROPFIND", place, _asked(_ROOT), {**_XML, "Depth": "0"}, self.accounts_agent)
            if answer.status == 207:
                found, _ = multistatus(answer)
                (principal,) = hrefs_in(next(iter(found.values())), f"{{{DAV}}}current-user-principal")
                return principal
        raise Stopped("No account was found.")

    def list_books(self) -> None:
        """Ask what is in the home, which each synchronization begins with."""
        listed, asked = self._propfind(self.home, _HOME, depth="1")
        self._check_home(listed, asked)
        found = [url for url, one in listed.items() if f"{{{CARD}}}addressbook" in _kinds(one)]
        titles = {url: listed[url].text(f"{{{DAV}}}displayname") for url in self.shown(found)}
        require(bool(titles) and all(titles.values()), "an address book without a name", asked)
        self.books = {url: self.books.get(url, Book(url, title)) for url, title in titles.items()}

    def sync(self) -> None:
        """
        Synchronize every address book: what changed is fetched.

        A write that was refused keeps everything from coming until the account is switched off and on (client fact
        I-5).
        """
        if self.blocked:
            return
        for book in self.books.values():
            found, asked = self._propfind(book.url, _STATE)
            ctag, token = (found[book.url].text(name) for name in (f"{{{CS}}}getctag", SYNC_TOKEN))
            # Client fact I-12: without a ctag nothing is requested at all.
            require(bool(ctag) and bool(token), "no ctag", asked)
            if book.ctag != ctag:
                self.fill(book) if not book.ctag else self._changes(book)
                book.ctag, book.token = ctag, token

    def save(self, book: Book, contact: Contact, href: str = "") -> str:
        """Store a contact, a new one without *href*, and synchronize; return where it is."""
        known = book.cards.get(href)
        # It is not known which conditions it sends: these are the strictest (client fact I-27).
        match = {"If-None-Match": "*"} if known is None else {"If-Match": known.etag}
        place = href or f"{book.url}{contact.uid}.vcf"
        text = apple_cards.write(contact, self.product)
        headers = {"Content-Type": "text/vcard", **match}
        answer = self._challenged("PUT", place, text, headers, self.agent)
        if answer.status == 412:
            # The server's state comes with the synchronization that follows.
            self.sync()
            return place
        if answer.status not in (200, 201, 204):
            self.blocked.append(f"{answer.status} for {place}")
            return place
        book.cards[place] = Card(contact, answer.header("ETag"), text)
        self.sync()
        return place

    def delete(self, book: Book, href: str) -> None:
        """Delete a card and synchronize."""
        card = book.cards.pop(href)
        answer = self._challenged("DELETE", href, "", {"If-Match": card.etag}, self.agent)
        if answer.status not in (200, 204, 404, 412):
            # Client fact I-6: a warning that stays until the deletion is undone.
            self.blocked.append(f"{answer.status} for {href}")
        self.sync()

    def choose_me_card(self, href: str) -> None:
        """Say which card is the person's own (client fact I-20)."""
        prop = f"<C:me-card><A:href>{escape(href)}</A:href></C:me-card>"
        body = f"<A:propertyupdate {NAMESPACES}><A:set><A:prop>{prop}</A:prop></A:set></A:propertyupdate>"
        answer = self._send("PROPPATCH", self.home, body, _XML)
        # It asked for a short answer, so that a bare success is one (RFC 8144, 2.3); otherwise the property says it.
        chosen = answer.status in (200, 204) or f"{{{CS}}}me-card" in multistatus(answer)[0][self.home].properties
        require(chosen, "the card cannot be one's own", answer)
        self.me_card = href

    def card(self, href: str) -> Card:
        """Return a card of any of the address books."""
        return next(book.cards[href] for book in self.books.values() if href in book.cards)

    @property
    def book(self) -> Book:
        """The first address book, which on a Mac is the only one."""
        return next(iter(self.books.values()))

    def shown(self, urls: list[str]) -> list[str]:
        """Return which of the address books in the home are shown."""
        return urls

    def _check_home(self, listed: dict[str, Resource], asked: Exchange) -> None:
        books = [one for one in listed.values() if f"{{{CARD}}}addressbook" in _kinds(one)]
        for book in books:
            may = names_in(book, f"{{{DAV}}}current-user-privilege-set")
            # Client fact I-4: one that is read-only takes the place for new contacts from the whole account.
            require({f"{{{DAV}}}write", f"{{{DAV}}}read"} <= may, "a read-only address book", asked)
            # It would send what it has in one POST.
            require("{http://me.com/_namespace/}bulk-requests" not in book.properties, "bulk requests", asked)
            require(f"{{{DAV}}}add-member" not in book.properties, "POST for new members", asked)
            self.largest_image = int(book.text(f"{{{CARD}}}max-image-size"))
            require(self.largest_image < int(book.text(f"{{{CARD}}}max-resource-size")), "no image fits", asked)
        own = [href for one in listed.values() for href in hrefs_in(one, f"{{{CS}}}me-card")]
        require(len(own) == 1, "one card of one's own", asked)
        self.me_card = own[0]

    def fill(self, book: Book) -> None:
        """Fetch a whole address book: the ETags of all, and then the cards that are new or changed."""
        listed, asked = self._propfind(book.url, "<A:getetag/><A:resourcetype/>", depth="1")
        etags = {href: one.text(ETAG) for href, one in listed.items() if href != book.url}
        require(all(etags.values()), "a member without an ETag", asked)
        book.cards = {href: card for href, card in book.cards.items() if href in etags}
        self._fetch(book, [href for href, etag in etags.items() if self._differs(book, href, etag)])

    def _changes(self, book: Book) -> None:
        answer = self.report_changes(book, book.token)
        if f"{{{DAV}}}valid-sync-token" in conditions(answer):
            self.fill(book)
            return
        found, token = multistatus(answer)
        require(bool(token), "a sync-collection answer without a token", answer)
        changed = []
        for href, one in found.items():
            if one.status == 404:
                book.cards.pop(href, None)
            elif self._differs(book, href, one.text(ETAG)):
                changed.append(href)
        self._fetch(book, changed)

    def report_changes(self, book: Book, token: str) -> Exchange:
        """Ask what changed since *token*."""
        body = (
            f"<A:sync-collection {NAMESPACES}><A:sync-token>{escape(token)}</A:sync-token>"
            "<A:sync-level>1</A:sync-level><A:prop><A:getetag/></A:prop></A:sync-collection>"
        )
        return self._send("REPORT", book.url, body, _XML)

    def _differs(self, book: Book, href: str, etag: str) -> bool:
        return href not in book.cards or book.cards[href].etag != etag

    def _fetch(self, book: Book, hrefs: Iterable[str]) -> None:
        wanted = list(hrefs)
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            inside = "".join(f"<A:href>{escape(href)}</A:href>" for href in batch)
            body = (
                f"<B:addressbook-multiget {NAMESPACES}><A:prop><A:getetag/><B:address-data/></A:prop>{inside}"
                "</B:addressbook-multiget>"
            )
            answer = self._send("REPORT", book.url, body, _XML)
            found, _ = multistatus(answer)
            # Client fact I-14: one batch that is not whole, and the rest never comes.
            require(set(found) == set(batch), "every card that was asked for", answer)
            for href, one in found.items():
                if one.status == 404:
                    book.cards.pop(href, None)
                    continue
                text = one.text(DATA)
                require(bool(text) and bool(one.text(ETAG)), "a card without its text or ETag", answer)
                book.cards[href] = Card(apple_cards.read(text), one.text(ETAG), text)

    def _propfind(self, path: str, names: str, *, depth: str = "0") -> tuple[dict[str, Resource], Exchange]:
        answer = self._send("PROPFIND", path, _asked(names), {**_XML, "Depth": depth})
        return multistatus(answer)[0], answer

    def _challenged(self, method: str, path: str, body: str, headers: dict[str, str], agent: str) -> Exchange:
        """Send without password first, and again where that is asked for in the words that were seen before."""
        given = {**headers, "User-Agent": agent}
        first = self.wire.send(method, path, body, given, signed=False)
        if first.status != 401:
            return first
        # Another realm is another server to it.
        require(first.header("WWW-Authenticate").startswith('Basic realm="Evercard"'), "another realm", first)
        return self._send(method, path, body, headers, agent=agent)

    def _send(
        self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None, *, agent: str = ""
    ) -> Exchange:
        answer = self.wire.send(method, path, body, {**(headers or {}), "User-Agent": agent or self.agent})
        # Some phones give up at a redirect whose target asks for a password.
        require(not 300 <= answer.status < 400, "it was sent elsewhere", answer)
        return answer


def _asked(names: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<A:propfind {NAMESPACES}><A:prop>{names}</A:prop></A:propfind>'


def _kinds(resource: Resource) -> set[str]:
    return names_in(resource, f"{{{DAV}}}resourcetype")
