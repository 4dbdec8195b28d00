"""The names of WebDAV-Push (draft-bitfire-webdav-push-00), where registrations are, and which one is not to hear."""

from __future__ import annotations

import re
from collections.abc import Iterable

from radicale_plugin.dav import paths
from radicale_plugin.dav.names import dav, element
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.place import Place, Table
from sync.push.advertisement import Advertisement

PUSH = "https://bitfire.at/webdav-push"
_QUOTED = re.compile(r'"([^"]{1,2000})"')
_NUMBER = re.compile(r"[1-9a-f][0-9a-f]{0,15}", re.ASCII)
#: How many registrations are read from one header.
_MOST = 100


def push(name: str) -> str:
    """Return the full name of an element of WebDAV-Push."""
    return f"{{{PUSH}}}{name}"


TRANSPORTS, TOPIC, TRIGGERS = push("transports"), push("topic"), push("supported-triggers")
#: The properties of a collection that can be registered for; no request for all gets them.
NAMES = frozenset({TRANSPORTS, TOPIC, TRIGGERS})
_SUPPORTED = element(push("content-update"), element(dav("depth"), "1")) + element(
    push("property-update"), element(dav("depth"), "0")
)


def table(place: Place, book_id: int) -> Table:
    """Return the properties by which devices register for a collection; none where nobody can."""
    if place.push is None:
        return {}
    shown = place.push
    return {
        TRANSPORTS: lambda _: _transports(shown),
        TOPIC: lambda asked: shown.topics.of_collection(asked.caller.account_id, book_id),
        TRIGGERS: lambda _: _SUPPORTED,
    }


def registration_url(place: Place, subscription_id: int) -> str:
    """Return the URL of a registration, in full, as it is written ever after."""
    # The address of this server ends with what it is mounted at.
    return place.settings.base_url + paths.href(
        "", place.caller.login, paths.PUSH, f"{subscription_id:x}", collection=False
    )


def registration_id(name: str) -> int | None:
    """Return which registration the last part of a URL names, None for what is no name of one."""
    return int(name, 16) if _NUMBER.fullmatch(name) and int(name, 16) < 2**63 else None


def named(header: str, place: Place) -> list[int] | None:
    """
    Read a ``Push-Dont-Notify``: the person's registrations that it names, or None for all of them.

    What it names besides is ignored, as the draft wants.
    """
    if header.strip() == "*":
        return None
    return [found for url in _QUOTED.findall(header)[:_MOST] for found in _of(url, place)]


def _of(url: str, place: Place) -> Iterable[int]:
    path = paths.decode(url, place.prefix)
    location = paths.locate(path) if path is not None else None
    if location is not None and location.kind is Kind.REGISTRATION and location.login == place.caller.login:
        found = registration_id(location.name)
        if found is not None:
            yield found


def _transports(shown: Advertisement) -> str:
    key = f'<vapid-public-key xmlns="{PUSH}" type="p256ecdsa">{shown.public_key}</vapid-public-key>'
    return element(push("web-push"), key)
