"""Every form of the portal, sent by somebody who should not, or with what nobody would send."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

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


#: Into how many tests the forms are dealt, so that several processes share them.
PARTS = 4


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


@dataclass(frozen=True, slots=True)
class Scene:
    """
    The people of the demo with whatever the pages can show beside them.

    *forms* are the names of the fields that a form has, without its token, by where it is sent.
    """

    cast: Cast
    forms: Mapping[str, Sequence[str]]


@pytest.fixture(scope="module")
def scene(staged: Cast, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Look at every page once, and note its forms."""
    cast = Cast(Path(shutil.copy(staged.file, tmp_path_factory.mktemp("scene") / "scene.sqlite")), staged.ids)
    with opened(cast.url, **MAILING) as site:
        stage = Stage(site, cast)
        forms: dict[str, Sequence[str]] = {ROOT + path: () for _, path in stage.posts()}
        for page in stage.pages():
            for form in page.document.forms if not page.response.is_redirect else ():
                if form.method.lower() == "post":
                    names = dict(form.form_values()).keys() - {"csrf_token"}
                    forms[form.get("action") or page.response.url.raw_path.decode()] = sorted(names)
    return Scene(cast, forms)


@contextmanager
def copied(scene: Scene, directory: Path) -> Iterator[Stage]:
    copy = Cast(Path(shutil.copy(scene.cast.file, directory / "hostile.sqlite")), scene.cast.ids)
    with opened(copy.url, **MAILING) as site:
        yield Stage(site, copy)
    for file in directory.glob("hostile.sqlite*"):
        file.unlink()


def is_moved_by(stage: Stage, action: str, names: Sequence[str]) -> bool:
    """Send a form with every hostile value, and return whether anything may be another than before."""
    moved, page = False, visited(stage)
    # Where there is nothing to fill in, it is sent once, and once more after it was done.
    for value in HOSTILE if names else ("", ""):
        token = page.fields("/language")["csrf_token"]
        answer = page.visitor.send(action, {**dict.fromkeys(names, value), "csrf_token": token})
        assert answer.status < 500, (action, value, answer.text)
        assert answer.status not in (401, 403), (action, value)
        assert "This form is not valid any more" not in answer.response.text, (action, value)
        assert "<script>alert(1)" not in answer.response.text, action
        assert "<img src=x" not in answer.response.text, action
        assert "evil" not in answer.response.headers, action
        assert answer.response.is_redirect or asks_when_left(answer, action, names), (action, value)
        if answer.response.is_redirect:
            assert answer.location.startswith("/"), (action, value, answer.location)
            moved, page = True, visited(stage)
        moved |= answer.status == 429
    return moved


def asks_when_left(answer: Page, action: str, names: Sequence[str]) -> bool:
    """Whether a refused form that is there again, with what was typed in it, is known to the browser as not saved."""
    if not names or answer.status < 400 or not answer.response.text:
        return True
    document = answer.document
    is_again = any(form.get("action") == action and {*names} <= {*form.fields.keys()} for form in document.forms)
    return not is_again or document.xpath("//body/@data-unsaved") == [urlsplit(action).path]


def visited(stage: Stage) -> Page:
    """Return a page with a token: a form may have ended the visit, or the account."""
    page = stage.anna.get("/account/")
    return page if page.status == 200 else Visitor(stage.site).get("/sign-in")


@pytest.mark.parametrize("part", range(PARTS))
def test_no_form_can_be_made_to_fail(scene: Scene, tmp_path: Path, part: int) -> None:
    """Whatever is in its fields, the answer is a page or a redirect inside of the portal, and quotes nothing raw."""
    left = sorted(scene.forms.items())[part::PARTS]
    while left:
        with copied(scene, tmp_path) as stage:
            while left and not is_moved_by(stage, *left.pop()):
                pass


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
