"""How requests get from a WSGI server through Radicale to the portal, and answers back."""

from __future__ import annotations

import pytest
from radicale import config

from radicale_plugin.server.wsgi import client_address
from radicale_plugin.web.base_url import Place
from sync.accounts.rate_limits import Limit
from sync.errors import InvalidInput
from sync.sign_in import signing_in
from tests.portal.conftest import Cast
from tests.support import forms, site
from tests.support.forms import ROOT, Visitor
from tests.support.site import Site


def test_the_root_leads_to_the_portal(site: Site) -> None:
    assert site.call("GET", "/").header("Location").rstrip("/") == ROOT
    assert site.call("GET", ROOT).header("Location") == f"{ROOT}/"
    assert site.call("GET", f"{ROOT}/").status == 200


def test_only_the_configuration_says_where_we_are(site: Site) -> None:
    """Whatever a client says of hosts and paths comes back in nothing."""
    headers = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Server": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil",
        "X-Script-Name": "/evil",
        "Forwarded": "host=evil.example",
    }
    for target in ("/", ROOT, f"{ROOT}/", f"{ROOT}/sign-in", f"{ROOT}/account/", f"{ROOT}/nothing", f"{ROOT}/account"):
        answer = site.call("GET", target, headers=headers)
        assert b"evil" not in answer.body, target
        assert "evil" not in str(answer.headers), target


def test_below_a_path_every_address_has_it(database_url: str) -> None:
    server = {"script_name": "/contacts"}
    with site.opened(
        database_url,
        server=server,
        web={"type": "radicale_plugin.web"},
        storage={"type": "radicale_plugin.storage", "base_url": "https://example.org/contacts/"},
    ) as made:
        answer = made.call("GET", f"{ROOT}/sign-in")
        assert "Path=/contacts/.web/" in answer.header("Set-Cookie")
        assert b'href="/.web' not in answer.body
        assert b'action="/contacts/.web/' in answer.body
        assert made.call("GET", f"{ROOT}/account/").header("Location").startswith("/contacts/.web/sign-in?")
        assert made.call("GET", ROOT).header("Location") == "/contacts/.web/"


@pytest.mark.parametrize(
    ("base_url", "hosts", "script_name", "origin", "whole"),
    [
        ("https://cards.example", "127.0.0.1:5232", "", "https://cards.example", "https://cards.example"),
        (
            "https://cards.example:8443",
            "127.0.0.1:5232",
            "",
            "https://cards.example:8443",
            "https://cards.example:8443",
        ),
        ("http://a.example/x", "127.0.0.1:5232", "/x", "http://a.example", "http://a.example/x"),
        ("https://[2001:db8::1]", "127.0.0.1:5232", "", "https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("", "127.0.0.1:5232", "", "http://127.0.0.1:5232", "http://127.0.0.1:5232"),
        ("", "0.0.0.0:80", "/x", "http://localhost", "http://localhost/x"),
        ("", "[::1]:5232", "", "http://[::1]:5232", "http://[::1]:5232"),
    ],
)
def test_the_address_follows_from_the_configuration(
    base_url: str, hosts: str, script_name: str, origin: str, whole: str
) -> None:
    configuration = config.load()
    configuration.update({"server": {"hosts": hosts, "script_name": script_name}}, "test")
    place = Place.of(configuration, base_url)
    assert (place.origin, place.base_url) == (origin, whole)


def test_an_address_that_contradicts_the_path_is_refused() -> None:
    with pytest.raises(InvalidInput):
        Place.of(config.load(), "https://cards.example/contacts")


def test_pages_are_compressed_for_nobody_who_could_guess_and_styles_are(site: Site) -> None:
    """A secret and what somebody else chose, in one compressed page, would tell the secret by its length."""
    gzip = {"Accept-Encoding": "gzip, deflate"}
    page = site.call("GET", f"{ROOT}/sign-in", headers=gzip)
    assert page.header("Content-Encoding") == ""
    assert page.header("Cache-Control") == "no-store"
    for asked, how in (
        ({"Sec-Fetch-Site": "same-origin"}, "gzip"),
        ({"Sec-Fetch-Site": "none"}, "gzip"),
        ({"Sec-Fetch-Site": "same-site"}, ""),
        ({"Sec-Fetch-Site": "cross-site"}, ""),
    ):
        assert site.call("GET", f"{ROOT}/sign-in", headers={**gzip, **asked}).header("Content-Encoding") == how
        assert site.call("GET", f"{ROOT}/sign-in?next=x", headers={**gzip, **asked}).header("Content-Encoding") == ""
    visitor = Visitor(site)
    styles = [str(node) for node in visitor.get("/").document.xpath("//link[@rel='stylesheet']/@href")]
    assert styles
    for address in styles:
        answer = site.call("GET", address, headers=gzip)
        assert answer.status == 200
        assert answer.header("Content-Encoding") == "gzip"
        assert answer.header("Vary") == "Accept-Encoding"
        assert "max-age=31536000" in answer.header("Cache-Control")
        assert answer.header("Set-Cookie") == ""
        again = site.call("GET", address, headers={"If-None-Match": answer.header("ETag")})
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize(
    ("method", "site_said", "mode", "how"),
    [
        ("GET", "same-origin", "navigate", "gzip"),
        ("GET", "same-origin", "cors", ""),
        ("GET", "same-origin", None, ""),
        ("GET", "none", "navigate", ""),
        ("GET", "cross-site", "navigate", ""),
        ("GET", None, "navigate", ""),
        ("POST", "same-origin", "navigate", "gzip"),
        ("POST", "same-origin", "cors", "gzip"),
        ("POST", "none", "navigate", ""),
        ("POST", "cross-site", "navigate", ""),
        ("POST", None, "navigate", ""),
    ],
)
def test_what_was_asked_for_with_a_query_or_a_body_is_compressed_where_a_person_asked_here(
    site: Site, method: str, site_said: str | None, mode: str | None, how: str
) -> None:
    """Whoever follows a link of ours or sends a form makes no thousand guesses for somebody else."""
    said = {"Accept-Encoding": "gzip", "Sec-Fetch-Site": site_said, "Sec-Fetch-Mode": mode}
    headers = {name: value for name, value in said.items() if value is not None}
    answer = site.call(method, f"{ROOT}/sign-in?next=x", headers=headers)
    assert answer.body
    assert answer.header("Content-Encoding") == how


def test_head_is_get_without_a_body(site: Site) -> None:
    for target in (f"{ROOT}/", f"{ROOT}/sign-in", f"{ROOT}/nothing"):
        got, headed = site.call("GET", target), site.call("HEAD", target)
        assert (got.status, got.header("Content-Type")) == (headed.status, headed.header("Content-Type"))
        assert headed.body == b""


def test_a_strange_path_is_no_page(site: Site) -> None:
    for target in (
        f"{ROOT}/static/../__init__.py",
        f"{ROOT}/static/%2e%2e/__init__.py",
        f"{ROOT}/static/..%2f__init__.py",
        f"{ROOT}//sign-in",
        f"{ROOT}/%E4%BD%A0",
        f"{ROOT}/static/",
        f"{ROOT}/account/browsers/x/end",
    ):
        answer = site.call("GET", target)
        assert answer.status in (301, 303, 400, 401, 404), target
        assert b"Radicale's web plugin" not in answer.body, target


def test_a_failure_is_a_page_and_is_logged_without_the_address(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with forms.opened(cast.url) as made:
        portal = forms.portal_of(made)

        def fail() -> str:
            raise RuntimeError

        monkeypatch.setitem(portal.view_functions, "account.index", fail)
        page = Visitor(made).signed_in(cast.ids["anna"]).get("/account/?token=s3cret")
        assert page.status == 500
        assert page.told == ["Something went wrong here. It was written down; try again later."]
        assert "RuntimeError" not in page.response.text
        assert any(record.exc_info for record in caplog.records)
        assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "198.51.100.7", "192.0.2.1"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (2, "203.0.113.9, 198.51.100.7, 192.0.2.77", "198.51.100.7"),
        (2, "198.51.100.7", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.9,", "192.0.2.1"),
    ],
)
def test_only_trusted_proxies_say_where_somebody_is(proxies: int, forwarded: str, expected: str) -> None:
    environ = {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": forwarded}
    assert client_address(environ, proxies) == expected


def test_tries_are_counted_by_where_the_proxy_saw_them(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a client claims of itself gives it no further try."""
    monkeypatch.setattr(signing_in, "SOURCE", Limit("sign-in-source", 1, 3600))
    with forms.opened(database_url, trusted_proxies="1") as made:
        answers = []
        for forwarded in ("198.51.100.7", "203.0.113.1, 198.51.100.7", "198.51.100.8"):
            visitor = Visitor(made)
            form = {"csrf_token": visitor.token(), "login": "nobody", "password": "wrong password"}
            headers = {"X-Forwarded-For": forwarded, "Origin": forms.ORIGIN}
            answers.append(visitor.client.post(f"{ROOT}/sign-in", data=form, headers=headers).status_code)
    assert answers == [400, 429, 400]
