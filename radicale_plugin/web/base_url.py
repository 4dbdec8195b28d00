"""Where the portal is for people: what the configuration says, and no header (security rule R8)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from radicale import config

from sync.errors import InvalidInput

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """The address of this server. *prefix* is the path that it is mounted at, without a slash at its end."""

    scheme: str
    host: str
    port: int
    prefix: str

    @classmethod
    def of(cls, configuration: config.Configuration, base_url: str) -> Self:
        """
        Return what *base_url* says; where it is empty, the address that the server listens at.

        Raises:
            InvalidInput: It does not end in the path that ``script_name`` says.
        """
        prefix: str = configuration.get("server", "script_name").rstrip("/")
        if not base_url:
            host, port = configuration.get("server", "hosts")[0]
            return cls("https" if configuration.get("server", "ssl") else "http", _reachable(host), port, prefix)
        address = urlsplit(base_url)
        if address.path.rstrip("/") != prefix:
            raise InvalidInput(
                f"`base_url` must end with the path that `script_name` in the section [server] says, {prefix or '/'!r}."
            )
        return cls(address.scheme, address.hostname or "", address.port or _PORTS[address.scheme], prefix)

    @property
    def netloc(self) -> str:
        """The host, with its port where that is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """What a browser calls everything that comes from here (RFC 6454, 6.1)."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def base_url(self) -> str:
        """The address of this server, without a slash at its end."""
        return self.origin + self.prefix

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by https."""
        return self.scheme == "https"


def _reachable(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return "localhost" if address.is_unspecified else str(address)
