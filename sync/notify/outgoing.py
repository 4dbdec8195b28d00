"""
Addresses that this server calls of its own accord, and which of them it must not.

A name says nothing about where it leads, and may lead elsewhere a moment later. So a name is looked up once, what it
leads to is looked at, and the connection goes to just that.
"""

from __future__ import annotations

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network

from sync.notify import look_ups

#: Seconds within which a name is looked up, or cannot be.
TO_LOOK_UP = 5.0
#: Networks whose addresses hold one of the older kind, in their last 32 bits.
_TRANSLATED = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
#: What `ipaddress` calls public and still is none of the internet's, or holds an address that it does not look at.
_DENIED = tuple(
    map(
        ipaddress.ip_network,
        (
            *("0.0.0.0/8", "192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/3"),
            *("::/96", "64:ff9b:1::/48", "100::/32", "2001::/23", "2002::/16", "3fff::/20", "5f00::/16", "f000::/4"),
        ),
    )
)


class NotPublic(OSError):
    """The name leads to an address that is not public. It may be another one later."""


def is_public(address: str) -> bool:
    """Whether an address, in numbers, is one of the internet's and of no network in between."""
    try:
        found = _plain(ipaddress.ip_address(address))
    except ValueError:
        # One with a zone belongs to this machine.
        return False
    denied = any(found in network for network in _DENIED if network.version == found.version)
    return found.is_global and not found.is_multicast and not denied


def resolve(host: str, port: int, *, allow_local: bool) -> str:
    """
    Look a name up once, and return the address to connect to, one of the older kind where there is one.

    Raises:
        NotPublic: It leads, perhaps among others, to an address that is not public.
        OSError: It cannot be looked up, or not in time.
    """
    found = look_up(host, port)
    if not allow_local and not all(map(is_public, found)):
        raise NotPublic("The name leads to an address that is not public.")
    return min(found, key=lambda address: (":" in address, address))


def look_up(host: str, port: int) -> set[str]:
    """
    Return the addresses that a name leads to.

    Before a library is asked to connect somewhere, this makes sure that there is an answer: libraries wait for one
    without an end, and this answer is still known a moment later.

    Raises:
        OSError: It cannot be looked up, or not in time.
    """
    try:
        return {str(entry[4][0]) for entry in look_ups.find(host, port, TO_LOOK_UP)}
    except UnicodeError as error:
        raise OSError("This is no name.") from error


def is_number(host: str) -> bool:
    """Whether *host* is an address in numbers, in any of the ways in which they can be written, and no name."""
    try:
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address) and any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
