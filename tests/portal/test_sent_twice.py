"""Whatever form is sent twice, by a double click or by reloading, makes nothing twice."""

from __future__ import annotations

from sqlalchemy import func, select

from sync.models import Base
from tests.portal import walk
from tests.portal.conftest import Cast
from tests.support.forms import ROOT, Page, Visitor, portal_of
from tests.support.site import Site

#: What somebody would write, by what is in the address or the name of a field; and anywhere else.
WRITTEN = {
    "mobile": "+49 30 5555 0777",
    "email": "z8@example.org",
    "addresses": "y1@example.org, y2@example.org",
    "address": "z9@example.org",
}
ANYTHING = "Walnuts"
#: These end what all others need.
ENDING = ("account.change_password", "account.end", "account.end_others", "settings.leave", "signing.sign_out")
#: Who asks for this again wants another letter.
AGAIN = ("password_reset.ask",)
#: Rows that only count or note what was tried.
COUNTING = ("rate_limit", "one_time_token", "browser_session")


def rows(site: Site) -> dict[str, int]:
    """Return how many rows each table has."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in COUNTING]
    counts = select(*(select(func.count()).select_from(table).scalar_subquery().label(table.name) for table in tables))
    with site.database.reading() as session:
        return dict(session.execute(counts).one()._asdict())


def filled(page: Page, index: int) -> dict[str, list[str]]:
    """Return what a form of a page says when somebody filled in what is empty."""
    values: dict[str, list[str]] = {}
    form = page.document.forms[index]
    action = str(form.get("action") or "")
    for name, value in form.form_values():
        node = form.xpath(f".//*[@name='{name}']")[0]
        typed = node.tag == "textarea" or node.get("type", "text") in ("text", "tel", "email")
        guess = next((text for part, text in WRITTEN.items() if part in name or part in action), ANYTHING)
        values.setdefault(name, []).append(guess if typed and node.tag != "select" and not value.strip() else value)
    return values


def forms_of(site: Site, cast: Cast, visitor: Visitor) -> dict[str, tuple[str, dict[str, list[str]]]]:
    """Return every form of every page by where it goes: its endpoint, and what is sent."""
    urls = portal_of(site).url_map.bind("evercard.test")
    found: dict[str, tuple[str, dict[str, list[str]]]] = {}
    for endpoint, path in walk.addresses(site, "GET", cast.ids):
        page = visitor.get(path)
        if endpoint in walk.NO_PAGE or page.response.is_redirect:
            continue
        for index, form in enumerate(page.document.forms):
            action = str(form.get("action") or page.response.url.path)
            if form.method.lower() == "post" and action not in found:
                path_of_form = action.removeprefix(ROOT).partition("?")[0]
                found[action] = (str(urls.match(path_of_form, method="POST")[0]), filled(page, index))
    return found


def test_no_form_makes_anything_twice(cast_site: Site, cast: Cast) -> None:
    visitor = Visitor(cast_site).signed_in(cast.ids[walk.WHO])
    doubled, done = {}, set()
    for action, (endpoint, values) in forms_of(cast_site, cast, visitor).items():
        if endpoint in (*ENDING, *AGAIN):
            continue
        sent: dict[str, str | list[str]] = {**values, "csrf_token": visitor.token()}
        before = rows(cast_site)
        first = visitor.send(action, sent)
        assert first.status < 500, action
        once = rows(cast_site)
        assert visitor.send(action, sent).status < 500, action
        if more := {name: count for name, count in rows(cast_site).items() if count > once[name]}:
            doubled[action] = more
        if first.response.is_redirect and once != before:
            done.add(endpoint)
    assert doubled == {}
    assert done >= {"card.add", "contact_fields.new", "contact_fields.add", "links.index", "groups.create"}
    assert len(done) > 20
