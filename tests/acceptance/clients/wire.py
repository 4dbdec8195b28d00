"""
What goes between a client and the server, kept for the test, and answers read as strictly as real clients read them.

The clients beside this file do what programs were recorded doing, or do in their published source: each asks what the
program asks, in its order and with its headers, keeps what it keeps, and stops where it would stop.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx
from lxml import etree

from tests.support.dav import CARD, CS, DAV, Exchange, Resource

#: The namespaces of the bodies that the clients send, which use these prefixes.
NAMESPACES = f'xmlns:A="{DAV}" xmlns:B="{CARD}" xmlns:C="{CS}"'


class Stopped(AssertionError):
    """The program would stop here, and show its user an error or nothing at all."""


@dataclass
class Wire:
    """The connections of one program that signs in as one person. *exchanges* are all there were, oldest first."""

    connections: httpx.Client
    login: str
    password: str
    exchanges: list[Exchange] = field(default_factory=list)

    def send(
        self,
        method: str,
        path: str,
        body: str | bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        signed: bool = True,
    ) -> Exchange:
        """Send a request, with the password only where it is *signed*. Nothing is ever redirected."""
        content = body.encode() if isinstance(body, str) else body
        given = dict(headers or {})
        if signed:
            given["Authorization"] = self.authorization
        sent_at = time.monotonic()
        answer = self.connections.request(method, path, content=content, headers=given, follow_redirects=False)
        exchange = Exchange(
            login=self.login,
            method=method,
            path=path,
            request=content,
            status=answer.status_code,
            headers=tuple(answer.headers.multi_items()),
            body=answer.content,
            sent_at=sent_at,
            answered_at=time.monotonic(),
        )
        self.exchanges.append(exchange)
        return exchange

    @property
    def authorization(self) -> str:
        """The header that signs in."""
        return "Basic " + base64.b64encode(f"{self.login}:{self.password}".encode()).decode()

    def requests(self, since: int = 0) -> list[tuple[str, str]]:
        """Return method and path of every request from number *since* on, without those that were challenged."""
        return [(one.method, one.path) for one in self.exchanges[since:] if one.status != 401]


def require(met: bool, what: str, exchange: Exchange) -> None:  # noqa: FBT001 - it reads as assert does
    """Stop unless a check of the program's is *met*."""
    if not met:
        raise Stopped(f"{what}: {exchange.method} {exchange.path} {exchange.status} {exchange.body[:2000]!r}")


def multistatus(exchange: Exchange) -> tuple[dict[str, Resource], str]:
    """
    Return the responses of a 207 by href, and its sync token, which is empty where it has none.

    Stops at an answer that is not XML by its type, at an href that is relative or comes twice, at a status line that is
    not spelled in full, and where what is missing stands in front of what is there.
    """
    require(exchange.status == 207, "a multistatus was expected", exchange)
    kind = exchange.header("Content-Type").lower().replace(" ", "")
    require(kind in ("application/xml;charset=utf-8", "text/xml;charset=utf-8"), "not XML by its type", exchange)
    root = etree.fromstring(exchange.body)
    found: dict[str, Resource] = {}
    for node in root.findall(f"{{{DAV}}}response"):
        href = node.findtext(f"{{{DAV}}}href") or ""
        require(href.startswith("/") and href not in found, f"the href {href!r}", exchange)
        whole = node.find(f"{{{DAV}}}status")
        statuses = [_code(part, exchange) for part in node.findall(f"{{{DAV}}}propstat")]
        require(200 not in statuses[1:], "what is there must come first", exchange)
        properties: dict[str, etree._Element] = {}
        for part, status in zip(node.findall(f"{{{DAV}}}propstat"), statuses, strict=True):
            if status == 200:
                properties.update({str(child.tag): child for child in part[0]})
        found[href] = Resource(href, 200 if whole is None else _code(node, exchange), properties)
    return found, root.findtext(f"{{{DAV}}}sync-token") or ""


def conditions(exchange: Exchange) -> set[str]:
    """Return the names of the violated conditions in an error's body, none where its type does not say XML."""
    if "xml" not in exchange.header("Content-Type"):
        return set()
    root = etree.fromstring(exchange.body)
    return {str(child.tag) for child in root} if root.tag == f"{{{DAV}}}error" else set()


def hrefs_in(resource: Resource, name: str) -> list[str]:
    """Return the hrefs in a property, none where it is missing."""
    found = resource.properties.get(name)
    return [] if found is None else [node.text or "" for node in found.iter(f"{{{DAV}}}href")]


def names_in(resource: Resource, name: str) -> set[str]:
    """Return the names of all elements inside of a property, none where it is missing."""
    found = resource.properties.get(name)
    return set() if found is None else {str(node.tag) for node in found.iterdescendants()}


def _code(node: etree._Element, exchange: Exchange) -> int:
    protocol, _, rest = (node.findtext(f"{{{DAV}}}status") or "").partition(" ")
    code, _, reason = rest.partition(" ")
    require(protocol == "HTTP/1.1" and code.isdecimal() and bool(reason), "a status line", exchange)
    return int(code)
