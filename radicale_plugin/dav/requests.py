"""A request as the handlers see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from radicale_plugin.dav import paths
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

    *destination* and *overwrite* matter to MOVE and COPY. *depth* is the header as sent, empty when absent.
    *minimal*: the client asked for no 404 parts (``Prefer: return=minimal`` or ``Brief: t``); *preferences* are those
    of `radicale_plugin.dav.prefer`. *if_header* is empty when absent. *source* is where the request comes from (see
    `sync.accounts.rate_limits.source`). *dont_notify* is the header that names registrations for push, as sent.
    """

    method: str
    location: Location
    place: Place
    body: bytes
    depth: str
    user_agent: str
    content_type: str
    accept: str
    minimal: bool
    conditions: Conditions
    destination: str = ""
    overwrite: bool = True
    if_header: IfHeader = ()
    preferences: frozenset[str] = frozenset()
    source: str = ""
    dont_notify: str = ""

    @property
    def url(self) -> str:
        """The URL of what the request is for, as it is written everywhere."""
        location = self.location
        names = (name for name in (location.login, location.book, location.name) if name)
        return paths.href(self.place.prefix, *names, collection=location.kind is not Kind.ENTRY)
