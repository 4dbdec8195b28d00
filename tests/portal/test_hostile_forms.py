"""Every form of the portal, sent by somebody who should not, or with what nobody would send."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.portal import walk
from tests.portal.conftest import Cast
from tests.support.forms import MAILING, ORIGIN, ROOT, Page, Visitor, opened, portal_of
from tests.support.site import Site

#: What people put into forms to see what happens.
HOSTILE = (
    "",
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} %(login)s {0} %s",
    "'; DROP TABLE account; --",
    "-1",
    "99999999999999999999999999",
    "\0",
    "\U0001f600 \u202e \ufeff \x1b[31m",
    "\r\nSet-Cookie: evil=1",
    "../../../../etc/passwd",
    "A" * 70_000,
)


class Stage:
    """A copy of the demo's people that one form may ruin."""

    def __init__(self, site: Site, cast: Cast) -> None:
        """Let anna in."""
        self.site, self.cast = site, cast
        self.anna = Visitor(site).signed_in(cast.ids[walk.WHO])

    def posts(self) -> list[tuple[str, str]]:
        """Return the endpoint and path of everything that can be posted to."""
        return walk.addresses(self.site, "POST", self.cast.ids)

    def pages(self) -> list[Page]:
        """Return every page, as anna sees it."""
        found = walk.addresses(self.site, "GET", self.cast.ids)
        return [self.anna.get(path) for endpoint, path in found if endpoint not in walk.NO_PAGE]


@pytest.fixture
def stage(cast_site: Site, cast: Cast) -> Stage:
    """Return a copy of the demo's people, with anna at a browser."""
    return Stage(cast_site, cast)


def is_open(stage: Stage, endpoint: str) -> bool:
    view = portal_of(stage.site).view_functions[endpoint]
    return bool(getattr(view, "open_to_all", False))


def test_nothing_is_done_without_a_token(stage: Stage) -> None:
    other = Visitor(stage.site).signed_in(stage.cast.ids["bo"])
    for endpoint, path in stage.posts():
        for token in (None, "", "x", other.token(), Visitor(stage.site).token()):
            answer = stage.anna.send(ROOT + path, {} if token is None else {"csrf_token": token})
            assert answer.status == 400, (endpoint, token)
            assert "This form is not valid any more" in answer.text, endpoint


def test_nothing_is_done_for_another_site(stage: Stage) -> None:
    foreign = ("https://evil.example", "null", "", "http://evercard.test.evil.example", "https://evercard.test")
    for endpoint, path in stage.posts():
        for origin in foreign:
            answer = stage.anna.post(path, origin=origin)
            assert answer.status == 400, (endpoint, origin)
            assert "was not opened at" in answer.text, endpoint
            assert "Set-Cookie" not in answer.response.headers, endpoint
            cookieless = Visitor(stage.site).send(ROOT + path, {}, origin=origin)
            assert cookieless.status == 400
            assert "Set-Cookie" not in cookieless.response.headers, "the browser of somebody would be signed out"


def test_nothing_is_done_for_who_is_not_signed_in(stage: Stage) -> None:
    for endpoint, path in stage.posts():
        answer = Visitor(stage.site).post(path)
        if not is_open(stage, endpoint):
            assert (answer.status, answer.location) == (303, "/sign-in"), endpoint


def test_no_page_is_shown_to_who_is_not_signed_in(stage: Stage) -> None:
    for endpoint, path in walk.addresses(stage.site, "GET", stage.cast.ids):
        answer = Visitor(stage.site).get(path)
        if not is_open(stage, endpoint):
            assert answer.status == 303, endpoint
            assert answer.location.startswith("/sign-in"), endpoint


@contextmanager
def copied(staged: Cast, directory: Path) -> Iterator[Stage]:
    copy = Cast(Path(shutil.copy(staged.file, directory / "hostile.sqlite")), staged.ids)
    with opened(copy.url, **MAILING) as site:
        yield Stage(site, copy)
    for file in directory.glob("hostile.sqlite*"):
        file.unlink()


def test_no_form_can_be_made_to_fail(staged: Cast, tmp_path: Path) -> None:
    """Whatever is in its fields, the answer is a page or a redirect inside of the portal, and quotes nothing raw."""
    with copied(staged, tmp_path) as stage:
        forms = {
            form.get("action") or page.response.url.raw_path.decode(): dict(form.form_values())
            for page in stage.pages()
            if not page.response.is_redirect
            for form in page.document.forms
            if form.method.lower() == "post"
        }
        for endpoint, path in stage.posts():
            forms.setdefault(ROOT + path, {})
            assert endpoint
    for action, fields in forms.items():
        with copied(staged, tmp_path) as stage:
            for value in HOSTILE:
                # A form may end the visit, or the account.
                visitor = stage.anna if stage.anna.get("/account/").status == 200 else Visitor(stage.site)
                sent = {**dict.fromkeys(fields, value), "csrf_token": visitor.token()}
                answer = visitor.send(action, sent)
                assert answer.status < 500, (action, value, answer.text)
                assert answer.status not in (401, 403), (action, value)
                assert "<script>alert(1)" not in answer.response.text, action
                assert "<img src=x" not in answer.response.text, action
                assert "evil" not in answer.response.headers, action
                if answer.response.is_redirect:
                    assert answer.location.startswith("/"), (action, value, answer.location)


def test_a_body_that_is_no_form_is_told_so(stage: Stage) -> None:
    """Too large, cut off or nonsense: never a failure of the server."""
    path = f"{ROOT}/sign-in"
    cases = [
        (b"x" * (8 * 1024 * 1024 + 1), "application/x-www-form-urlencoded", (413,)),
        (b"csrf_token=" + b"x" * (2 * 1024 * 1024), "application/x-www-form-urlencoded", (413,)),
        (b"--x\r\nContent-Disposition: form-data; name=", "multipart/form-data; boundary=x", (400,)),
        (b"nonsense", "multipart/form-data", (400,)),
        (b"\xff\xfe=\xff", "application/x-www-form-urlencoded", (400,)),
        (b"{}", "application/json", (400,)),
        (b"<x/>", "text/xml; charset=nosuch", (400,)),
    ]
    for body, content_type, expected in cases:
        answer = stage.anna.client.post(path, content=body, headers={"Content-Type": content_type, "Origin": ORIGIN})
        assert answer.status_code in expected, (content_type, answer.text)


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "+5"])
def test_a_body_of_no_sensible_length_is_refused(stage: Stage, length: str) -> None:
    headers = {"Content-Length": length, "Content-Type": "application/x-www-form-urlencoded"}
    assert stage.site.call("POST", f"{ROOT}/sign-in", "a=b", headers).status == 400


def test_nothing_but_get_head_and_post_reaches_a_page(stage: Stage) -> None:
    for method in ("PUT", "DELETE", "PROPFIND", "MKCOL", "MOVE", "PROPPATCH"):
        assert stage.site.call(method, f"{ROOT}/account/").status in (401, 403, 404, 405)


@pytest.mark.parametrize("number", ["9223372036854775808", "9" * 5000, "-1", "٣", "1e3", "9223372036854775807"])
def test_an_id_that_nobody_has_is_nowhere(stage: Stage, number: str) -> None:
    assert stage.anna.post(f"/account/browsers/{number}/end").followed().status in (200, 404)
