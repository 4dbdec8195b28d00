"""
Push resources: addresses that devices name and this server calls.

They are anybody's choice, so nothing is believed of them. Here it is only looked at how one is written; where it leads
is looked at when it is called (`sync.notify.outgoing`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from sync.errors import InvalidInput
from sync.notify import outgoing

#: Characters of an address, far more than any push service needs.
LONGEST = 2_000
#: The ports that push services are at.
PORTS = (443, 8443)
_WRITTEN = re.compile(r"[!-~]+", re.ASCII)
#: A name of several parts, of which the last begins with a letter, as that of no address in numbers does.
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9_-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*\.?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One push resource: what is asked of whom."""

    is_encrypted: bool
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The host and, where it does not go without saying, the port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_encrypted else 80) else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Whom it belongs to (RFC 6454)."""
        return f"{'https' if self.is_encrypted else 'http'}://{self.authority}"


def read(url: str, *, allow_local: bool) -> Endpoint:
    """
    Read the address of a push resource. *allow_local* is for push services of this machine or network.

    Raises:
        InvalidInput: It is none that this server calls.
    """
    try:
        found = _read(url)
    except ValueError as error:
        raise InvalidInput("This is no address of a push service.") from error
    if allow_local:
        return found
    if not found.is_encrypted or found.port not in PORTS:
        raise InvalidInput("A push service is called by https, at a port that is meant for it.")
    if not _NAME.fullmatch(found.host) and not outgoing.is_public(found.host):
        raise InvalidInput("A push service has a name or an address in the internet.")
    if outgoing.is_number(found.host) and not outgoing.is_public(found.host):
        raise InvalidInput("A push service has an address in the internet.")
    return found


def _read(url: str) -> Endpoint:
    parts = urlsplit(url)
    if len(url) > LONGEST or not _WRITTEN.fullmatch(url) or parts.scheme not in ("http", "https"):
        raise ValueError
    if not parts.hostname or "@" in parts.netloc or parts.fragment or "\\" in url:
        raise ValueError
    is_encrypted = parts.scheme == "https"
    port = parts.port if parts.port is not None else 443 if is_encrypted else 80
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(is_encrypted, parts.hostname, port, target)
