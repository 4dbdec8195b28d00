"""
A small honest CardDAV client that keeps every answer it ever got, byte for byte.

`Client` speaks for one device of one person; nothing that it returns was added or left out by it. `Replica` is what a
phone keeps: the cards of the address book and the sync token, brought up to date in one of the ways that phones use.

    with dav.http(server.url) as http:
        anna = dav.Client(http, "anna", password)
        phone = dav.Replica(anna)
        phone.sync()
        phone.cards["/anna/contacts/….vcf"].text
"""

from __future__ import annotations

import base64
import contextlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from xml.sax.saxutils import escape, quoteattr

import httpx
from lxml import etree

DAV = "DAV:"
CARD = "urn:ietf:params:xml:ns:carddav"
CS = "http://calendarserver.org/ns/"
_PREFIXES = {DAV: "D", CARD: "C", CS: "CS"}
_NAMESPACES = f'xmlns:D="{DAV}" xmlns:C="{CARD}" xmlns:CS="{CS}"'

ETAG = f"{{{DAV}}}getetag"
SYNC_TOKEN = f"{{{DAV}}}sync-token"
CTAG = f"{{{CS}}}getctag"
DATA = f"{{{CARD}}}address-data"
VCARD_TYPE = "text/vcard; charset=utf-8"

Style = Literal["data", "multiget", "listing"]
MatchType = Literal["equals", "contains", "starts-with", "ends-with"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the answer to it. *sent_at* and *answered_at* are `time.monotonic`."""

    login: str
    method: str
    path: str
    request: bytes
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    sent_at: float
    answered_at: float

    def header(self, name: str) -> str:
        """Return the value of a header, empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def text(self) -> str:
        """All that came back, headers and body, with the lines of vCards unfolded: what a leak is searched in."""
        headers = "".join(f"{name}: {value}\n" for name, value in self.headers)
        return unfolded(headers + self.body.decode("utf-8", "replace"))


def unfolded(text: str) -> str:
    """Undo the folding of vCard lines, in a vCard or in XML around it."""
    return re.sub("\r?\n[ \t]", "", text.replace("&#13;", "\r").replace("&#xD;", "\r"))


class Failed(AssertionError):
    """An answer of a status that the request did not expect."""

    def __init__(self, exchange: Exchange) -> None:
        """Say what came instead."""
        super().__init__(f"{exchange.method} {exchange.path}: {exchange.status} {exchange.body[:2000]!r}")
        self.exchange = exchange
        self.status = exchange.status

    @property
    def condition(self) -> str:
        """The precondition that was violated (RFC 4918, 16) as ``{namespace}name``, empty where none is named."""
        if not self.exchange.body.startswith(b"<?xml"):
            return ""
        root = etree.fromstring(self.exchange.body)
        return str(root[0].tag) if root.tag == f"{{{DAV}}}error" and len(root) else ""


@dataclass(frozen=True, slots=True)
class Card:
    """An entry as it came. *text* is None where it was not asked for."""

    etag: str
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """One ``DAV:response`` of a multistatus: its properties with status 200, or the *status* of the whole."""

    href: str
    status: int
    properties: Mapping[str, etree._Element]

    def text(self, name: str) -> str:
        """Return the text of a property, empty where it has none or is missing."""
        found = self.properties.get(name)
        return (found.text or "") if found is not None else ""

    @property
    def card(self) -> Card:
        """The entry that this is."""
        return Card(self.text(ETAG), self.text(DATA) if DATA in self.properties else None)


@dataclass(frozen=True, slots=True)
class Changes:
    """The answer to a sync-collection report. *changed* are present entries by href; *gone* are hrefs."""

    token: str
    changed: Mapping[str, Card]
    gone: frozenset[str]


def http(url: str, *, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """
    Open connections to the server at *url*, for any number of clients and threads.

    With `httpx.WSGITransport` as *transport* the server is an application in this process.
    """
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    return httpx.Client(
        base_url=url,
        transport=transport,
        trust_env=False,
        timeout=60,
        limits=limits,
    )


class Client:
    """
    One device of one person. All requests go to the person's own address book unless they name another path.

    *exchanges* holds every answer, oldest first; *notice* is called with each as well. Methods raise `Failed` for a
    status that they do not expect.
    """

    def __init__(
        self,
        connections: httpx.Client,
        login: str,
        password: str,
        *,
        user_agent: str = "evercard-tests",
        notice: Callable[[Exchange], None] | None = None,
        keep: bool = True,
    ) -> None:
        """Sign in as *login* with every request. Without *keep*, exchanges are given to *notice* only."""
        self.login = login
        self.principal = f"/{login}/"
        self.book = f"/{login}/contacts/"
        self.exchanges: list[Exchange] = []
        self._http = connections
        self._notice = notice
        self._keep = keep
        credentials = base64.b64encode(f"{login}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {credentials}", "User-Agent": user_agent}

    @contextlib.contextmanager
    def silencing(self, registrations: str) -> Iterator[None]:
        """Say with all that is sent in the block which registrations are not to hear of it, as its header does."""
        self._headers["Push-Dont-Notify"] = registrations
        try:
            yield
        finally:
            del self._headers["Push-Dont-Notify"]

    def request(
        self, method: str, path: str, body: bytes | str = b"", headers: Mapping[str, str] | None = None
    ) -> Exchange:
        """Send anything and return what came, whatever its status."""
        content = body.encode() if isinstance(body, str) else body
        sent_at = time.monotonic()
        response = self._http.request(method, path, content=content, headers={**self._headers, **(headers or {})})
        exchange = Exchange(
            login=self.login,
            method=method,
            path=path,
            request=content,
            status=response.status_code,
            headers=tuple(response.headers.multi_items()),
            body=response.content,
            sent_at=sent_at,
            answered_at=time.monotonic(),
        )
        if self._keep:
            self.exchanges.append(exchange)
        if self._notice is not None:
            self._notice(exchange)
        return exchange

    def propfind(
        self, path: str | None = None, names: Sequence[str] = (ETAG,), *, depth: str = "1"
    ) -> dict[str, Resource]:
        """List properties, by href."""
        body = f"<D:propfind {_NAMESPACES}>{_prop(names)}</D:propfind>"
        return self._multistatus("PROPFIND", path or self.book, body, depth)[0]

    def listing(self) -> dict[str, str]:
        """Return the ETag of every entry of the address book, by href."""
        return {href: found.text(ETAG) for href, found in self.propfind().items() if href != self.book}

    def book_token(self) -> str:
        """Return the sync token as a property of the address book; the ctag is checked to be the same."""
        found = self.propfind(names=(SYNC_TOKEN, CTAG), depth="0")[self.book]
        assert found.text(SYNC_TOKEN) == found.text(CTAG)
        return found.text(SYNC_TOKEN)

    def sync_collection(self, token: str = "", *, data: bool = True, version: str = "3.0") -> Changes:
        """Ask what changed since *token*, with or without the cards' text."""
        names = (ETAG, DATA) if data else (ETAG,)
        body = (
            f"<D:sync-collection {_NAMESPACES}><D:sync-token>{escape(token)}</D:sync-token>"
            f"<D:sync-level>1</D:sync-level>{_prop(names, version)}</D:sync-collection>"
        )
        resources, root = self._multistatus("REPORT", self.book, body, "0")
        changed = {href: found.card for href, found in resources.items() if found.status == 200}
        gone = frozenset(href for href, found in resources.items() if found.status == 404)
        assert len(changed) + len(gone) == len(resources)
        return Changes(root.findtext(SYNC_TOKEN) or "", changed, gone)

    def multiget(self, hrefs: Iterable[str], *, version: str = "3.0") -> dict[str, Card | None]:
        """Fetch entries by href; None stands for one that is not there."""
        wanted = "".join(f"<D:href>{escape(href)}</D:href>" for href in hrefs)
        prop = _prop((ETAG, DATA), version)
        body = f"<C:addressbook-multiget {_NAMESPACES}>{prop}{wanted}</C:addressbook-multiget>"
        resources, _ = self._multistatus("REPORT", self.book, body, "0")
        return {href: found.card if found.status == 200 else None for href, found in resources.items()}

    def query(
        self,
        name: str | None = None,
        text: str | None = None,
        *,
        match_type: MatchType = "contains",
        parameter: str | None = None,
        negate: bool = False,
        data: bool = True,
    ) -> dict[str, Card]:
        """Find entries with a property *name* that says *text*, or whose *parameter* does; without a name, all."""
        match = ""
        if text is not None:
            condition = ' negate-condition="yes"' if negate else ""
            match = f'<C:text-match match-type="{match_type}"{condition}>{escape(text)}</C:text-match>'
        if parameter is not None:
            match = f"<C:param-filter name={quoteattr(parameter)}>{match}</C:param-filter>"
        wanted = f"<C:prop-filter name={quoteattr(name)}>{match}</C:prop-filter>" if name is not None else ""
        prop = _prop((ETAG, DATA) if data else (ETAG,))
        body = f"<C:addressbook-query {_NAMESPACES}>{prop}<C:filter>{wanted}</C:filter></C:addressbook-query>"
        resources, _ = self._multistatus("REPORT", self.book, body, "1")
        return {href: found.card for href, found in resources.items()}

    def get(self, href: str, *, version: str = "3.0") -> Card:
        """Fetch one entry."""
        accept = {"Accept": "text/vcard; version=4.0"} if version == "4.0" else {}
        exchange = _expect(self.request("GET", href, headers=accept), 200)
        return Card(exchange.header("ETag"), exchange.body.decode())

    def put(self, href: str, text: str, *, if_match: str = "", if_none_match: str = "") -> str:
        """Store an entry and return the ETag of the answer, empty where it has none."""
        conditions = {"If-Match": if_match, "If-None-Match": if_none_match}
        headers = {"Content-Type": VCARD_TYPE, **{name: value for name, value in conditions.items() if value}}
        return _expect(self.request("PUT", href, text, headers), 201, 204).header("ETag")

    def delete(self, href: str, *, if_match: str = "") -> None:
        """Delete an entry."""
        _expect(self.request("DELETE", href, headers={"If-Match": if_match} if if_match else {}), 200, 204)

    def _multistatus(self, method: str, path: str, body: str, depth: str) -> tuple[dict[str, Resource], etree._Element]:
        headers = {"Content-Type": "application/xml; charset=utf-8", "Depth": depth}
        document = f'<?xml version="1.0" encoding="utf-8"?>\n{body}'
        exchange = _expect(self.request(method, path, document, headers), 207)
        root = etree.fromstring(exchange.body)
        found = [_resource(node) for node in root.findall(f"{{{DAV}}}response")]
        assert len({resource.href for resource in found}) == len(found), "an href came twice"
        return {resource.href: resource for resource in found}, root


@dataclass
class Replica:
    """
    What one device keeps: *cards* by href, and the sync *token* that it was last given.

    *style* says how it asks: ``data``, a sync-collection report with the cards in it; ``multiget``, one with ETags and
    then a multiget of those that it does not have; ``listing``, the ETags of a PROPFIND and then a multiget.
    *tokens* are all tokens that the device ever saw with what it held then, so a test can go back to any.
    """

    client: Client
    style: Style = "data"
    version: str = "3.0"
    cards: dict[str, Card] = field(default_factory=dict)
    token: str = ""
    tokens: list[tuple[str, dict[str, Card]]] = field(default_factory=list)

    def sync(self, *, lost: bool = False) -> None:
        """
        Bring the device up to date. A token that is refused makes it start again from nothing, as phones do.

        *lost*: the answer does not arrive, so the device stays as it was.
        """
        try:
            cards, token = self._asked()
        except Failed as refused:
            if refused.condition != f"{{{DAV}}}valid-sync-token":
                raise
            self.forget()
            cards, token = self._asked()
        if not lost:
            self.cards, self.token = cards, token
            self.tokens.append((token, dict(cards)))

    def forget(self) -> None:
        """Become a new device of the same person."""
        self.cards, self.token, self.tokens = {}, "", []

    def go_back(self, index: int) -> None:
        """Become what the device was after an earlier sync, as one that was restored from its own backup."""
        token, cards = self.tokens[index]
        self.cards, self.token = dict(cards), token

    def _asked(self) -> tuple[dict[str, Card], str]:
        if self.style == "listing":
            listed = self.client.listing()
            return self._completed({href: Card(etag) for href, etag in listed.items()}), ""
        changes = self.client.sync_collection(self.token, data=self.style == "data", version=self.version)
        kept = {href: card for href, card in self.cards.items() if href not in changes.gone}
        return self._completed({**kept, **changes.changed}), changes.token

    def _completed(self, found: Mapping[str, Card]) -> dict[str, Card]:
        """Fetch the text of those that came without one, unless an equal ETag says that it is here already."""
        result = {}
        for href, card in found.items():
            here = self.cards.get(href)
            result[href] = here if card.text is None and here is not None and here.etag == card.etag else card
        missing = [href for href, card in result.items() if card.text is None]
        if missing:
            for href, fetched in self.client.multiget(missing, version=self.version).items():
                if fetched is None:
                    del result[href]
                else:
                    result[href] = fetched
        return result


def contents(card: Card) -> list[tuple[str, str]]:
    """Return the lines of a card as (name with parameters, value), unfolded, without UID and REV. It is no parser."""
    lines = unfolded(card.text or "").split("\r\n")
    pairs = [(name, value) for name, _, value in (line.partition(":") for line in lines if line)]
    return [(name, value) for name, value in pairs if name not in ("UID", "REV")]


def value_of(card: Card, name: str) -> str:
    """Return the value of the first line that is just *name*, such as UID; empty where there is none."""
    found = re.search(f"^{name}:(.*?)\r$", unfolded(card.text or ""), re.MULTILINE)
    return found[1] if found else ""


def _expect(exchange: Exchange, *statuses: int) -> Exchange:
    if exchange.status not in statuses:
        raise Failed(exchange)
    return exchange


def _prop(names: Sequence[str], version: str = "3.0") -> str:
    return f"<D:prop>{''.join(_element(name, version) for name in names)}</D:prop>"


def _element(name: str, version: str) -> str:
    namespace, _, local = name[1:].partition("}")
    attributes = f' content-type="text/vcard" version="{version}"' if name == DATA and version != "3.0" else ""
    return f"<{_PREFIXES[namespace]}:{local}{attributes}/>"


def _resource(node: etree._Element) -> Resource:
    properties: dict[str, etree._Element] = {}
    for propstat in node.findall(f"{{{DAV}}}propstat"):
        if _status(propstat) == 200:
            properties.update({str(child.tag): child for child in propstat[0]})
    whole = node.find(f"{{{DAV}}}status")
    return Resource(node.findtext(f"{{{DAV}}}href") or "", 200 if whole is None else _status(node), properties)


def _status(node: etree._Element) -> int:
    return int((node.findtext(f"{{{DAV}}}status") or "").split()[1])
