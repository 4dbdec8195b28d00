"""
Every form of every page as a table, made from the portal itself: who sends it, where it stands, and what it says.

`Table` opens every page of the walk, signed in and not, and fills in what a person would type. A form that is shown
only after another was sent has that one as its `before`. Before each form is sent the database is put back to what it
was, so that no form stands in the way of another.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx
from argon2 import PasswordHasher
from lxml import html
from PIL import Image
from sqlalchemy import FromClause, select

from sync.accounts import preference_changes
from sync.models import Base
from tests.portal import walk
from tests.portal.conftest import PASSWORD, Cast
from tests.support.forms import ORIGIN, ROOT, Page, Visitor, portal_of
from tests.support.site import Site

Values: TypeAlias = dict[str, list[str]]
Rows: TypeAlias = dict[str, set[tuple[object, ...]]]

#: What somebody would write, by what is in the address or the name of an input; and anywhere else.
WRITTEN = {
    "number": "+49 30 5555 0777",
    "mobile": "+49 30 5555 0777",
    "email": "z8@example.org",
    "addresses": "y1@example.org, y2@example.org",
    "address": "z9@example.org",
}
ANYTHING = "Walnuts"
BY_NAME = {"year": "1980", "day": "5", "code": "10115"}
BY_KIND = {"date": "2031-01-02", "time": "11:22", "number": "2"}
NEW_PASSWORD = "walnuts and hazelnuts"
#: What only one value is right for, by where the form goes.
RIGHT = {
    "administration.delete": {"login": "bo"},
    "memberships.invite": {"who": "ivy"},
    "signing.sign_in": {"login": walk.WHO},
    "settings.own_addresses": {"address": "z9@example.org"},
}
TYPED = ("text", "tel", "email", "search", "url", "textarea", "date", "time", "number")
TICKED = ("checkbox", "radio")
#: Tables of which every request may note something, without doing what its form is for.
NOTING = ("rate_limit", "browser_session", "sent_form", "one_time_token")
#: What is another each time that the same is written.
VOLATILE = {
    "profile": {"version", "changed_at"},
    "field": {"changed_at"},
    "ending": {"id", "set_at"},
    "preferences": {"answer_hash"},
}


@dataclass(frozen=True)
class Form:
    """A form: *who* sees it on *page*, and to which *endpoint* its *button* sends inputs of these *names*."""

    who: str
    page: str
    endpoint: str
    names: tuple[str, ...]
    button: tuple[str, str] | None = None
    before: Form | None = None

    @property
    def title(self) -> str:
        """What a test that fails calls it."""
        pressed = f" [{self.button[0]}]" if self.button and self.button[0] else ""
        return f"{self.endpoint}{pressed} of {self.who or 'nobody'} on {self.page}"


@dataclass
class Filled:
    """A form as it is sent: where to, what its inputs say, what of that was *typed* and is *hidden*, and the files."""

    action: str
    values: Values
    typed: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)


class Table:
    """The forms of a site with the demo's people."""

    def __init__(self, site: Site, cast: Cast) -> None:
        """Open every page."""
        self.site, self.cast = site, cast
        self._urls = portal_of(site).url_map.bind("evercard.test")
        self._live = sqlite3.connect(cast.file)
        self._kept = sqlite3.connect(":memory:")
        self.visitors = {"": Visitor(site), walk.WHO: Visitor(site).signed_in(cast.ids[walk.WHO])}
        for visitor in self.visitors.values():
            visitor.token()
        #: What a form has that is of another session.
        self.other_token = Visitor(site).token()
        with sqlite3.connect(cast.file) as direct:
            hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
            direct.execute("UPDATE account SET password_hash = ?", [hashed])
        site.database.write(lambda session: preference_changes.keep_language(session, cast.ids[walk.WHO], "en"))
        # Forms that are nothing but a button are on pages that these lines make something for.
        walk.addresses(site, "POST", cast.ids)
        paths = [path for endpoint, path in walk.addresses(site, "GET", cast.ids) if endpoint not in walk.NO_PAGE]
        self._opened: dict[tuple[str, str], str] = {}
        self.forms: list[Form] = []
        self._known: set[tuple[object, ...]] = set()
        for who, visitor in self.visitors.items():
            for path in paths:
                page = visitor.get(path)
                if not page.response.is_redirect:
                    self._opened[who, path] = page.response.text
                    self.forms += self._new(who, path, page.document, None)
        self._live.backup(self._kept)
        self._statements = {
            each.name: str(select(*_lasting(each)).compile(dialect=site.database.engine.dialect))
            for each in Base.metadata.sorted_tables
            if each.name not in NOTING
        }

    def close(self) -> None:
        """Let the copy go."""
        self._live.close()
        self._kept.close()

    @property
    def endpoints(self) -> set[str]:
        """Where the forms go."""
        return {form.endpoint for form in self.forms}

    def put_back(self) -> None:
        """Make the database what it was when every page was opened."""
        self._kept.backup(self._live)

    def end_sessions(self) -> None:
        """Let everybody's session be over."""
        with self._live:
            self._live.execute("DELETE FROM browser_session")

    def visitor(self, form: Form) -> Visitor:
        """Return a browser of who sees a form, that has what the one had in which its page was opened."""
        fresh = Visitor(self.site)
        fresh.client.cookies.update(self.visitors[form.who].client.cookies)
        return fresh

    def filled(self, form: Form, visitor: Visitor) -> Filled:
        """Return what is sent by a form; what comes before it is done."""
        if form.before is None:
            return self._fill(form, html.document_fromstring(self._opened[form.who, form.page]), form.page)
        page = Page(visitor, sent(visitor, self.filled(form.before, visitor), form.before.page)).followed()
        return self._fill(form, page.document, page.path)

    def opened_anew(self, form: Form, visitor: Visitor) -> Filled | None:
        """Return what is sent by a form whose page is loaded again; None where it is not there any more."""
        page = visitor.get(form.page)
        if page.response.is_redirect or page.status >= 400:
            return None
        try:
            return self._fill(form, page.document, form.page)
        except LookupError:
            return None

    def shown_in(self, form: Form, page: Page) -> Iterator[Filled]:
        """Yield what a page says of each form that goes where *form* does, as it stands there."""
        for node in page.document.forms:
            if node.method.lower() != "post":
                continue
            for button in buttons(page.document, node):
                action = self._action(button.get("formaction") or node.get("action") or str(page.response.url.path))
                if self._endpoint(action) == form.endpoint:
                    found = Filled(action, {})
                    for each in inputs(page.document, node):
                        if kind_of(each) not in TICKED or each.get("checked") is not None:
                            found.values.setdefault(str(each.get("name")), []).append(value_of(each))
                    yield found

    def rows(self) -> Rows:
        """Return whatever is stored, but for what every request may note."""
        return {name: set(self._live.execute(said)) for name, said in self._statements.items()}

    def forms_in(self, form: Form, page: Page) -> None:
        """Add forms that are seen only after *form* was sent, on *page*, to the table."""
        if page.response.headers.get("Content-Type", "").startswith("text/html"):
            self.forms += self._new(form.who, page.path, page.document, form)

    def is_open_to_all(self, form: Form) -> bool:
        """Whether nobody has to be signed in for it."""
        return bool(getattr(portal_of(self.site).view_functions[form.endpoint], "open_to_all", False))

    def _new(self, who: str, path: str, document: html.HtmlElement, before: Form | None) -> Iterator[Form]:
        for node in document.forms:
            if node.method.lower() != "post":
                continue
            names = tuple(sorted({str(each.get("name")) for each in inputs(document, node)}))
            for button in buttons(document, node):
                action = self._action(button.get("formaction") or node.get("action") or ROOT + path)
                endpoint = self._endpoint(action)
                if endpoint == "locale.choose_in_form":
                    continue
                pressed = (str(button.get("name") or ""), str(button.get("value") or ""))
                key = (who, endpoint, names, pressed[0])
                if key not in self._known:
                    self._known.add(key)
                    yield Form(who, path, endpoint, names, pressed if pressed[0] else None, before)

    @staticmethod
    def _action(action: str) -> str:
        return action.partition("#")[0]

    def _endpoint(self, action: str) -> str:
        return str(self._urls.match(action.removeprefix(ROOT).partition("?")[0], method="POST")[0])

    def _fill(self, form: Form, document: html.HtmlElement, path: str) -> Filled:
        for node in document.forms:
            if node.method.lower() != "post":
                continue
            if tuple(sorted({str(each.get("name")) for each in inputs(document, node)})) != form.names:
                continue
            for button in buttons(document, node):
                action = self._action(button.get("formaction") or node.get("action") or ROOT + path)
                named = str(button.get("name") or "") == (form.button[0] if form.button else "")
                if named and self._endpoint(action) == form.endpoint:
                    return _filled(document, node, form, action)
        raise LookupError(form.title)


def _lasting(table: FromClause) -> list[Any]:
    return [one for one in table.columns if one.name not in VOLATILE.get(str(table), ())]


def inputs(document: html.HtmlElement, form: html.FormElement) -> list[html.HtmlElement]:
    """Return whatever in a form, or elsewhere for it, has a name and is no button."""
    found = [*form.iterdescendants("input", "select", "textarea")]
    if identity := form.get("id"):
        found += document.xpath("//*[@form=$form][self::input or self::select or self::textarea]", form=identity)
    return [each for each in found if each.get("name") and each.get("disabled") is None and kind_of(each) != "submit"]


def buttons(document: html.HtmlElement, form: html.FormElement) -> list[html.HtmlElement]:
    """Return what sends a form."""
    found = form.xpath(".//button[not(@type='button')] | .//input[@type='submit']")
    if identity := form.get("id"):
        found += document.xpath("//button[@form=$form]", form=identity)
    return [each for each in found if each.get("disabled") is None]


def kind_of(node: html.HtmlElement) -> str:
    """Return what kind of input something is."""
    return str(node.get("type", "text")).lower() if node.tag == "input" else str(node.tag)


def value_of(node: Any) -> str:
    """Return what an input says as the page is."""
    if node.tag == "select":
        return str(node.value or "")
    if node.tag == "textarea":
        return str(node.text or "").removeprefix("\n")
    return str(node.get("value") or ("on" if kind_of(node) in TICKED else ""))


def _filled(document: html.HtmlElement, node: html.FormElement, form: Form, action: str) -> Filled:
    found, shown = Filled(action, {}), inputs(document, node)
    flipped = _to_flip(shown)
    for each in shown:
        name, kind, value = str(each.get("name")), kind_of(each), value_of(each)
        if kind in TICKED and (each.get("checked") is None) != (each is flipped):
            continue
        if kind == "file":
            found.files[name] = ("x", picture() if "image" in (each.get("accept") or "") else CARD)
            continue
        if kind == "hidden":
            found.hidden.add(name)
        elif kind == "password":
            value = NEW_PASSWORD if "new" in name or form.endpoint.startswith(SIGN_UPS) else PASSWORD
        elif isinstance(each, html.SelectElement):
            value = next((one for one in each.value_options if one and one != value), value)
        elif kind in TYPED:
            value = found.typed[name] = RIGHT.get(form.endpoint, {}).get(name) or written(name, kind, action)
        found.values.setdefault(name, []).append(value)
    if form.button:
        found.values.setdefault(form.button[0], []).append(form.button[1])
    return found


def _to_flip(shown: list[html.HtmlElement]) -> html.HtmlElement | None:
    """Return what is ticked, or not any more, so that there is something to do; None where there is already."""
    boxes = [each for each in shown if kind_of(each) == "checkbox"]
    if any(kind_of(each) in (*TYPED, "file") for each in shown) and any(
        each.get("checked") is not None for each in boxes
    ):
        return None
    return next(iter(boxes), None)


SIGN_UPS = ("signing.sign_up", "mail_links.sign_up")
CARD = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Walnut Tree\r\nN:Tree;Walnut;;;\r\nTEL:+49 30 5555 0666\r\nEND:VCARD\r\n"


def picture() -> bytes:
    """Return a picture."""
    made = io.BytesIO()
    Image.new("RGB", (40, 30), (90, 120, 60)).save(made, "JPEG")
    return made.getvalue()


def written(name: str, kind: str, action: str) -> str:
    """Return what somebody types into an empty input."""
    if found := BY_KIND.get(kind) or BY_NAME.get(name):
        return found
    return next((text for part, text in WRITTEN.items() if part in name or part in action), ANYTHING)


def sent(visitor: Visitor, filled: Filled, page: str, **headers: str) -> httpx.Response:
    """Send a form from the page that it is on, as a browser does."""
    said = {"Origin": ORIGIN, "Referer": f"{ORIGIN}{ROOT}{page}", **headers}
    return visitor.client.post(filled.action, data=filled.values, files=filled.files or None, headers=said)
