"""This server calls nothing but what is in the internet, however it is named, and just what it looked at."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address
from typing import Any

import pytest

from sync.errors import InvalidInput
from sync.notify import outgoing
from sync.push import endpoints

PUBLIC = ("93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34", "64:ff9b::5db8:d822")
NOT_PUBLIC = (
    *(
        "127.0.0.1",
        "127.255.255.254",
        str(IPv4Address(0)),
        "0.1.2.3",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
    ),
    *("100.64.0.1", "192.0.0.9", "192.0.0.170", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"),
    *("192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
    *("64:ff9b:1::7f00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "3fff::1", "5f00::1", "100::1"),
    *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "not an address", ""),
)
#: Spellings of 127.0.0.1 and of 169.254.169.254 that resolvers understand.
SPELLED = (
    *("127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "127.0.0.1.", "[::1]"),
    *("[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "169.254.43518", "0xa9fea9fe", "[::ffff:a9fe:a9fe]", "0"),
)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert outgoing.is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_any_other_address_is_not(address: str) -> None:
    assert not outgoing.is_public(address)


@pytest.mark.parametrize("host", SPELLED)
def test_an_address_of_this_machine_or_network_is_no_push_service_in_any_spelling(host: str) -> None:
    with pytest.raises(InvalidInput):
        endpoints.read(f"https://{host}/push/1", allow_local=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://push.example.org/1",
        "ftp://push.example.org/1",
        "https://push.example.org:22/1",
        "https://push.example.org:0/1",
        "https://push.example.org:99999/1",
        "https://user:password@push.example.org/1",
        "https://push.example.org@127.0.0.1/1",
        "https://push.example.org\\@127.0.0.1/1",
        "https://push.example.org/1#part",
        "https://push.example.org/1 HTTP/1.1",
        "https://push.example.org/1\r\nX: y",
        "https://push.example.org/\u00e4",
        "https://localhost/1",
        "https://\u24db\u24de\u24d2al.example/1",
        "https://-.example.org/1",
        "https://[::1/1",
        "https:///1",
        "https:push.example.org",
        "//push.example.org/1",
        "push",
        "",
        f"https://push.example.org/{'x' * 2_000}",
    ],
)
def test_what_is_no_plain_address_of_a_push_service_is_none(url: str) -> None:
    with pytest.raises(InvalidInput):
        endpoints.read(url, allow_local=False)


def test_the_address_of_a_push_service_is_read() -> None:
    found = endpoints.read("https://Push.Example.org/a/b?c=d", allow_local=False)
    assert (found.host, found.port, found.target) == ("push.example.org", 443, "/a/b?c=d")
    assert (found.authority, found.origin) == ("push.example.org", "https://push.example.org")
    other = endpoints.read("https://push.example.org:8443", allow_local=False)
    assert (other.authority, other.target) == ("push.example.org:8443", "/")
    assert endpoints.read("http://127.0.0.1:8080/x", allow_local=True).origin == "http://127.0.0.1:8080"


def _resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_that_leads_to_this_network_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolving(monkeypatch, "10.0.0.7")
    with pytest.raises(outgoing.NotPublic):
        outgoing.resolve("push.example.org", 443, allow_local=False)


def test_a_name_that_leads_there_among_others_is_not_called_either(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolving(monkeypatch, "93.184.216.34", "127.0.0.1")
    with pytest.raises(outgoing.NotPublic):
        outgoing.resolve("push.example.org", 443, allow_local=False)


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _resolving(monkeypatch, "2606:2800:220:1:248:1893:25c8:1946", "93.184.216.34")
    assert outgoing.resolve("push.example.org", 443, allow_local=False) == "93.184.216.34"
    assert asked == ["push.example.org"]


def test_a_name_that_is_none_cannot_be_looked_up() -> None:
    with pytest.raises(OSError, match="no name"):
        outgoing.resolve("a" * 64 + ".example", 443, allow_local=False)
