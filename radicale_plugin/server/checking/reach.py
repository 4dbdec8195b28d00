"""Looks at where the server can be reached, and at what it is told about that."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from radicale_plugin.server.checking.finding import Finding, Installation, doubtful, wrong

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def look(installation: Installation) -> Iterator[Finding]:
    """Yield what is doubtful or wrong."""
    yield from _listening(installation)
    yield from _base_url(installation)
    yield from _proxies(installation)
    yield from _metrics(installation)


def _listening(installation: Installation) -> Iterator[Finding]:
    server = installation.configuration
    hosts = server.get("server", "hosts")
    if len(hosts) != 1:
        yield wrong("hosts", "It must be one address and port, such as 127.0.0.1:5232.")
    if server.get("server", "ssl"):
        for option in ("certificate", "key"):
            if not os.access(server.get("server", option), os.R_OK):
                yield wrong(option, "`ssl` is on, and the file that it names cannot be read.")
    elif not _is_local(installation):
        yield doubtful("hosts", "It is reached from outside without https, so passwords can be read on their way.")


def _base_url(installation: Installation) -> Iterator[Finding]:
    base = urlsplit(installation.values["base_url"])
    prefix = installation.configuration.get("server", "script_name").rstrip("/")
    if not base.hostname:
        yield doubtful("base_url", "It is empty, so no link can be made or sent, and no e-mail is.")
        return
    if base.scheme == "http" and base.hostname not in _LOOPBACK:
        yield doubtful("base_url", "It is no https, and phones send their password over https only.")
    if base.path.rstrip("/") != prefix:
        yield doubtful("base_url", f"Its path is {base.path or '/'!r}, and script_name is {prefix!r}; they must agree.")


def _proxies(installation: Installation) -> Iterator[Finding]:
    proxies = installation.values["trusted_proxies"]
    is_secure = installation.configuration.get("server", "ssl")
    behind = urlsplit(installation.values["base_url"]).scheme == "https" and not is_secure
    if behind and not proxies:
        yield doubtful(
            "trusted_proxies",
            "It is 0 behind a proxy: all seem to come from one address, and who guesses passwords shuts out all.",
        )
    if proxies and not behind:
        yield doubtful("trusted_proxies", "No proxy seems to be in front, so anybody can say where they come from.")


def _metrics(installation: Installation) -> Iterator[Finding]:
    host = installation.values["metrics_address"].rpartition(":")[0].strip("[]")
    if host and host not in _LOOPBACK:
        yield doubtful("metrics_address", "Whoever reaches this address can read how much is done here.")


def _is_local(installation: Installation) -> bool:
    return all(host in _LOOPBACK for host, _ in installation.configuration.get("server", "hosts"))
