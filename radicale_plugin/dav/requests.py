"""A request as the handlers see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from radicale_plugin.dav import paths, prefer
from radicale_plugin.dav.conditions import Conditions
from radicale_plugin.dav.if_header import IfHeader
from radicale_plugin.dav.paths import Kind, Location
from radicale_plugin.dav.place import Place
from sync.database.engine import Database
from sync.sign_in.credentials import Gate


@dataclass(frozen=True, slots=True)
class Service:
    """What all requests of a process share."""

    database: Database
    gate: Gate


class Request(NamedTuple):
    """
    One authenticated request for one of the caller's own resources.

    *head* is its header lines, as WSGI has them; what is asked of it is read when it is asked for, because most
    requests are polls, to which hardly any of it matters. *if_header* is empty when absent. *source* is where the
    request comes from (see `sync.accounts.rate_limits.source`).
    """

    method: str
    location: Location
    place: Place
    body: bytes
    head: Mapping[str, Any]
    source: str = ""
    if_header: IfHeader = ()

    @property
    def depth(self) -> str:
        """The header as sent, empty when absent."""
        return str(self.head.get("HTTP_DEPTH", "")).strip()

    @property
    def user_agent(self) -> str:
        """What the program says of itself."""
        return str(self.head.get("HTTP_USER_AGENT", ""))

    @property
    def content_type(self) -> str:
        """The type of the body, empty when absent."""
        return str(self.head.get("CONTENT_TYPE") or "")

    @property
    def accept(self) -> str:
        """The header as sent, empty when absent."""
        return str(self.head.get("HTTP_ACCEPT", ""))

    @property
    def preferences(self) -> frozenset[str]:
        """Those of `radicale_plugin.dav.prefer` that the client has."""
        return prefer.preferences(self.head.get("HTTP_PREFER", ""))

    @property
    def minimal(self) -> bool:
        """Whether the client asked for no 404 parts (``Prefer: return=minimal`` or ``Brief: t``)."""
        return prefer.MINIMAL in self.preferences or self.head.get("HTTP_BRIEF", "").strip().lower() == "t"

    @property
    def conditions(self) -> Conditions:
        """In which state something has to be for the request to be carried out."""
        names = ("IF_MATCH", "IF_NONE_MATCH", "IF_UNMODIFIED_SINCE", "IF_MODIFIED_SINCE")
        return Conditions(*(self.head.get(f"HTTP_{name}") for name in names))

    @property
    def destination(self) -> str:
        """Where a MOVE or COPY leads to, as sent, empty when absent."""
        return str(self.head.get("HTTP_DESTINATION", ""))

    @property
    def overwrite(self) -> bool:
        """Whether a MOVE or COPY may replace what is there."""
        return bool(self.head.get("HTTP_OVERWRITE", "T").strip().upper() != "F")

    @property
    def dont_notify(self) -> str:
        """The header that names registrations for push, as sent."""
        return str(self.head.get("HTTP_PUSH_DONT_NOTIFY", ""))

    @property
    def url(self) -> str:
        """The URL of what the request is for, as it is written everywhere."""
        location = self.location
        names = (name for name in (location.login, location.book, location.name) if name)
        return paths.href(self.place.prefix, *names, collection=location.kind is not Kind.ENTRY)
