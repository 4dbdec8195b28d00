"""Requests that no client sends: each is refused with a reason, nothing is done, and the next request is answered."""

from __future__ import annotations

import io

import pytest
from typing_extensions import override

from tests.dav.asking import NAMES, propfind
from tests.support.site import ON_SQLITE, Answer, Circle, Lasting, Site

VCARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:x\r\nFN:x\r\nEND:VCARD\r\n"
METHODS = ("DELETE", "GET", "HEAD", "MKCOL", "MOVE", "OPTIONS", "POST", "PROPFIND", "PROPPATCH", "PUT", "REPORT")


def refused(answer: Answer, *statuses: int) -> None:
    """Check that this is a refusal with a reason that a person can read."""
    assert answer.status in (statuses or (400, 403, 404, 405, 411, 413, 414, 415, 501)), answer
    assert len(answer.body) > 10
    assert answer.header("Content-Type").startswith(("text/plain", "application/xml"))


@pytest.mark.parametrize("declared", ["-1", "abc", "1e3", "0x10", "١٢", "5, 5", "+5", " ", "9" * 19, "1" * 4000])
@pytest.mark.parametrize("method", ["PUT", "POST", "PROPFIND", "REPORT"])
@pytest.mark.parametrize("path", ["/anna/contacts/x.vcf", "/.web/", "/"])
def test_a_length_that_is_none_reads_nothing(lasting: Lasting, declared: str, method: str, path: str) -> None:
    """A negative length once meant "without a limit"; nothing is read from such a request, with or without a login."""

    class Untouchable(io.BytesIO):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError(f"{size} octets of the body were read")

    environ = {"wsgi.input": Untouchable(VCARD), "CONTENT_LENGTH": declared}
    refused(lasting.site.call(method, path, b"", environ=environ), 400, 413)


@pytest.mark.parametrize("method", ["PUT", "REPORT"])
def test_more_than_the_limit_is_not_read(lasting: Lasting, method: str) -> None:
    """A declared length above the limit is refused unread; a chunked body is read up to the limit and no further."""
    read: list[int] = []

    class Endless(io.RawIOBase):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert size > 0
            read.append(size)
            return b"x" * min(size, 65_536)

    too_much = {"wsgi.input": Endless(), "CONTENT_LENGTH": str(8 * 1024 * 1024 + 1)}
    refused(lasting.site.call(method, "/anna/contacts/x.vcf", b"", person=lasting.circle.anna, environ=too_much), 413)
    assert read == []
    chunked = {"wsgi.input": Endless(), "HTTP_TRANSFER_ENCODING": "chunked"}
    refused(lasting.site.call(method, "/anna/contacts/x.vcf", b"", person=lasting.circle.anna, environ=chunked), 413)
    assert sum(min(size, 65_536) for size in read) <= 8 * 1024 * 1024 + 65_536


def test_a_body_that_ends_early_is_no_body(lasting: Lasting) -> None:
    """Half a card is not stored: the rest was lost on the way."""
    environ = {"CONTENT_LENGTH": str(len(VCARD) + 1)}
    refused(lasting.site.call("PUT", "/anna/contacts/x.vcf", VCARD, person=lasting.circle.anna, environ=environ), 400)


@pytest.mark.parametrize(
    "header",
    [
        "Basic !!!!",
        "Basic",
        "Basic ",
        "Basic YW5uYQ==",
        "Basic " + "A" * 9000,
        "Basic /////w==",
        "Bearer x",
        "basic",
        "",
        "Digest username=anna",
        "Basic YW5uYTo=",
        "\xff\xfe",
        "Basic YW5uYTp4 YW5uYTp4",
        "Negotiate",
        "Basic \x00",
    ],
)
@pytest.mark.parametrize("path", ["/", "/anna/contacts/", "/a/b/c/d/", "//anna", "/.sharing/v1/all/list", "/.web/"])
@pytest.mark.parametrize("method", ["PROPFIND", "POST", "GET"])
def test_no_authorization_header_is_more_than_wrong(lasting: Lasting, header: str, path: str, method: str) -> None:
    answer = lasting.site.call(
        method, path, b"", {"Authorization": header, "Content-Type": "text/xml; charset=punycode"}
    )
    portal = path in ("/", "/.web/") and method != "PROPFIND"
    assert answer.status in (401, 431) or (portal and answer.status in (200, 302, 401, 404, 405))


@pytest.mark.parametrize(
    "path",
    [
        "/%ff/",
        "/anna/contacts/%C3%28.vcf",
        "/%80",
        "/anna/contacts/a%00.vcf",
        "/anna/contacts/%0d%0aX-Evil:1",
        "/anna/contacts/%7f",
        "/anna/contacts/%01.vcf",
        "/anna%09/contacts/",
        "/%ED%A0%80",
        "/%C0%AE%C0%AE/",
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_a_path_that_is_no_text_is_refused(lasting: Lasting, path: str, method: str) -> None:
    answer = lasting.site.call(method, path, VCARD, person=lasting.circle.anna)
    assert answer.status == 400
    refused(lasting.site.call("PUT", path, VCARD, {"Content-Type": "text/vcard"}, person=lasting.circle.anna), 400)


@pytest.mark.parametrize(
    "path",
    [
        "//anna/contacts/x.vcf",
        "/anna//contacts/x.vcf",
        "/anna/contacts//x.vcf",
        "/anna/contacts/./x.vcf",
        "/anna/../ben/",
        "/anna/contacts/../../ben/contacts/",
        "/anna/contacts/x.vcf/",
        "/anna/contacts/x/y.vcf",
        "/anna/contacts/.x.vcf",
        "/" + "a/" * 5000,
        "/.web/../anna/contacts/",
        "/..",
        "/.",
        "/.sharing/",
        "/.Radicale.cache/x",
        "anna/contacts/",
        "/anna/.props/",
        "/anna/contacts/%2e%2e/x.vcf",
        "/anna%2f..%2fben/contacts/",
        "/.well-known/caldav",
        "*",
        "",
    ],
)
def test_paths_that_name_nothing_do_nothing(lasting: Lasting, path: str) -> None:
    """No second spelling of a path reaches what the first one names, and none reaches storage at all."""
    for method in METHODS:
        answer = lasting.site.call(
            method, path, VCARD if method == "PUT" else b"", {"Depth": "0"}, person=lasting.circle.anna
        )
        if (method, answer.status) in {("OPTIONS", 200), ("GET", 301), ("HEAD", 301), ("PROPFIND", 207)}:
            assert method == "OPTIONS" or path == ""
        elif method == "HEAD":
            assert 400 <= answer.status < 500
        else:
            refused(answer, 400, 403, 404, 405, 409, 414)


@pytest.mark.parametrize("name", ["x" * 256, "x" * 5000, "ä" * 300])
def test_a_name_that_is_too_long_is_refused(lasting: Lasting, name: str) -> None:
    refused(lasting.site.call("PUT", f"/anna/contacts/{name}", VCARD, person=lasting.circle.anna), 400, 403, 409, 414)


@pytest.mark.parametrize("method", ["", "get", "FOO", "A\x1b[31mB", "PROPFIND ", "X" * 5000, "TRACE", "CONNECT", "ÄÖ"])
def test_an_unknown_method_is_not_implemented(lasting: Lasting, method: str) -> None:
    refused(lasting.site.call(method, "/anna/contacts/", b"", person=lasting.circle.anna), 501)


@pytest.mark.parametrize("method", ["LOCK", "MKCALENDAR", "POST", "UNLOCK"])
@pytest.mark.parametrize("path", ["/", "/anna/", "/anna/contacts/", "/anna/new/", "/anna/contacts/x.vcf"])
def test_a_method_of_other_servers_is_not_allowed(lasting: Lasting, method: str, path: str) -> None:
    answer = lasting.site.call(method, path, b"", {"Destination": "/anna/contacts/y.vcf"}, person=lasting.circle.anna)
    refused(answer, 405)
    assert method not in answer.header("Allow").split(", ")


EVIL = {
    "X-Script-Name": "//evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Server": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-For": "203.0.113.9",
    "X-Remote-User": "ben",
    "X-Original-URL": "/ben/contacts/",
    "X-Rewrite-URL": "/ben/contacts/",
    "X-HTTP-Method-Override": "DELETE",
    "Forwarded": "host=evil.example",
    "Host": "evil.example",
}


@pytest.mark.parametrize("path", ["/", "/.well-known/carddav", "/anna/", "/anna/contacts/", "/.web", "/.mobileconfig"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PROPFIND"])
def test_nothing_that_a_proxy_may_say_is_believed(lasting: Lasting, method: str, path: str) -> None:
    """Where the server is, and who asks, is never taken from a header that anybody can send."""
    for name, value in EVIL.items():
        answer = lasting.site.call(method, path, b"", {name: value}, person=lasting.circle.anna)
        assert b"evil.example" not in answer.body
        assert "evil.example" not in repr(answer.headers)
        assert answer == lasting.site.call(method, path, b"", person=lasting.circle.anna)


@ON_SQLITE
@pytest.mark.parametrize("name", ["a\r\nX-Evil: 1.vcf", "a\nSet-Cookie: x=1", "a\x85b", "a\u2028b"])
def test_no_text_of_a_client_becomes_a_header(site: Site, circle: Circle, name: str) -> None:
    title = f"<D:propertyupdate {NAMES}><D:set><D:prop><D:displayname>a&#13;&#10;X-Evil: 1</D:displayname></D:prop>"
    answers = [
        site.call("GET", "/anna/contacts/" + name.encode().hex(), person=circle.anna),
        site.call("PROPPATCH", "/anna/contacts/", title + "</D:set></D:propertyupdate>", person=circle.anna),
        propfind(site, "/anna/contacts/", "<D:displayname/>", person=circle.anna, Depth=name),
        site.call("GET", "/.web", b"", {"Cookie": name, "Accept-Language": name}),
    ]
    for answer in answers:
        assert not any("\n" in value or "\r" in value for header in answer.headers for value in header)
        assert "X-Evil" not in dict(answer.headers)


@pytest.mark.parametrize("depth", ["2", "-1", "infinity", "0,1", "1 ", "\x00", "x" * 9000])
def test_a_depth_that_is_none_is_refused(lasting: Lasting, depth: str) -> None:
    answer = propfind(lasting.site, "/anna/contacts/", "<D:getetag/>", depth=depth, person=lasting.circle.anna)
    assert answer.status in (400, 403, 431) or depth.strip() == "1"


def test_health_needs_no_password_and_says_nothing(lasting: Lasting) -> None:
    answer = lasting.site.call("GET", "/.health")
    assert (answer.status, answer.body) == (200, b"ok\n")
