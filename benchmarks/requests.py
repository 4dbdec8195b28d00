"""What clients send, as DAVx5 and Thunderbird write it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from lxml import etree

from benchmarks import load, servers
from benchmarks.people import Hub

T = TypeVar("T")

_XML = "<?xml version='1.0' encoding='UTF-8' ?>"
SYNC = "{DAV:}sync-collection"
PROPFIND = "{DAV:}propfind"
MULTIGET = "{urn:ietf:params:xml:ns:carddav}addressbook-multiget"
QUERY = "{urn:ietf:params:xml:ns:carddav}addressbook-query"
_TOKEN = re.compile(r"<(?:D:)?sync-token>([^<]+)</")
_ENTRY = re.compile(r"<(?:D:)?href>(/[^<]+\.vcf)</")


class Client:
    """One device of the person *login*, as it uses one of their address books."""

    def __init__(self, login: str, password: str, book: str = "contacts") -> None:
        self._credentials = servers.basic(login, password)
        self._headers = (self._credentials, ("Content-Type", "application/xml; charset=utf-8"))
        self._book = f"/{login}/{book}/"

    @classmethod
    def of(cls, hub: Hub) -> Client:
        """Return the device of a hub."""
        return cls(hub.login, hub.password)

    def sync(self, token: str = "", *, with_cards: bool = False) -> load.Request:
        """Ask what changed since *token*, or for everything."""
        data = '<address-data xmlns="urn:ietf:params:xml:ns:carddav"/>' if with_cards else ""
        body = (
            f'{_XML}<sync-collection xmlns="DAV:"><sync-token>{token}</sync-token><sync-level>1</sync-level>'
            f"<prop><getetag/>{data}</prop></sync-collection>"
        )
        return load.Request("REPORT", self._book, body, self._headers)

    def propfind(self) -> load.Request:
        """Ask for the ctag and the token."""
        body = (
            f'{_XML}<propfind xmlns="DAV:" xmlns:CS="http://calendarserver.org/ns/">'
            "<prop><CS:getctag/><sync-token/></prop></propfind>"
        )
        return load.Request("PROPFIND", self._book, body, (*self._headers, ("Depth", "0")))

    def multiget(self, hrefs: Sequence[str]) -> load.Request:
        """Ask for these entries with their cards."""
        body = (
            f'{_XML}<CARD:addressbook-multiget xmlns="DAV:" xmlns:CARD="urn:ietf:params:xml:ns:carddav"><prop>'
            '<getcontenttype/><getetag/><CARD:address-data content-type="text/vcard" version="3.0"/></prop>'
            f"{''.join(f'<href>{href}</href>' for href in hrefs)}</CARD:addressbook-multiget>"
        )
        return load.Request("REPORT", self._book, body, (*self._headers, ("Depth", "0")))

    def query(self, filters: str, *, with_cards: bool = True) -> load.Request:
        """Ask for the entries that pass any of *filters*, which are in XML with the prefix CARD."""
        data = "<CARD:address-data/>" if with_cards else ""
        body = (
            f'{_XML}<CARD:addressbook-query xmlns="DAV:" xmlns:CARD="urn:ietf:params:xml:ns:carddav"><prop><getetag/>'
            f'{data}</prop><CARD:filter test="anyof">{filters}</CARD:filter></CARD:addressbook-query>'
        )
        return load.Request("REPORT", self._book, body, (*self._headers, ("Depth", "1")))

    def put(self, name: str, card: bytes) -> load.Request:
        """Store *card* under this name, whatever is there."""
        headers = (self._credentials, ("Content-Type", "text/vcard; charset=utf-8"))
        return load.Request("PUT", f"{self._book}{name}", card.decode(), headers)

    def poll(self, port: int) -> load.Request:
        """Synchronize, and return the request that asks whether anything changed since."""
        return self.sync(self.token(port))

    def token(self, port: int) -> str:
        """Synchronize, and return the token of what is there."""
        return token_in(load.fetch(port, self.sync()))

    def entries(self, port: int) -> list[str]:
        """Return the hrefs of all entries."""
        return [match[1] for match in _ENTRY.finditer(load.fetch(port, self.sync()))]

    def cards(self, port: int, count: int) -> list[tuple[str, str]]:
        """Return name and text of the first *count* entries."""
        root = etree.fromstring(load.fetch(port, self.multiget(self.entries(port)[:count])).encode())
        texts = [node.text or "" for node in root.iter("{urn:ietf:params:xml:ns:carddav}address-data")]
        return [(f"{number}.vcf", text) for number, text in enumerate(texts)]


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield *items* in batches of *size*."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def token_in(text: str) -> str:
    """Return the sync token that an answer names."""
    match = _TOKEN.search(text)
    if match is None:
        raise RuntimeError("The answer is not what was asked for.")
    return match[1]
