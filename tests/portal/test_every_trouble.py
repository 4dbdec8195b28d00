"""
Every form in every trouble: sent twice, after going back, when the session ended meanwhile, or another one began.

The forms are those of `tests.portal.table`, which finds them by itself: a new one is tried without anybody adding it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from radicale_plugin.web import refilled
from tests.portal.conftest import PASSWORD, Cast
from tests.portal.table import Filled, Form, Rows, Table, sent
from tests.support.forms import Page, Visitor, portal_of
from tests.support.site import Site

#: Forms that a trouble does not happen to, or on purpose does something to, by the trouble.
EXCEPT = {
    # Whoever asks for this again wants another letter.
    "twice": {"password_reset.ask"},
    # A question that is typed is asked, whatever was chosen beside it before.
    "back": {"password_reset.ask", "settings.set_connecting"},
    # Nobody is signed in any more; and a password goes nowhere but into the profile.
    "expired": {"signing.sign_out", "devices.profile"},
    # What a language is chosen for is another page then.
    "stale": {"locale.choose"},
}
#: What shows a secret, which sending again shows again, or says what became of a file, which is taken over once.
SHOWN_ONCE = {"calendars.index", "devices.new", "settings.own_contacts", "shared_books.take_over"}
#: What is sent by no form of a page of the walk, or of a page that follows from one: `tests` of their areas try these.
UNSEEN = {
    "account.end_others",
    "account.link_directory",
    "administration.drop",
    "administration.retry",
    "administration.try_now",
    "card.keep_photo",
    "locale.choose_in_form",
    "notifications.off",
    "organisation.link",
    "settings.ask_contacts",
    "settings.confirm_number",
    "settings.decide_about_number",
    "settings.remove_address",
    "shared_books.show",
}


@dataclass(frozen=True)
class Effect:
    """What a form did: where it led, and how many rows of which tables came and went."""

    led_to: str
    rows: dict[str, tuple[int, int]]


def effect(page: Page, before: Rows, after: Rows) -> Effect:
    led_to = re.sub(r"\d+", "#", page.location) if page.response.is_redirect else f"{page.status}"
    changed = {name: (len(after[name] - old), len(old - after[name])) for name, old in before.items()}
    return Effect(led_to, {name: count for name, count in changed.items() if any(count)})


class Trouble:
    """A form that is tried in one trouble after another."""

    def __init__(self, table: Table, form: Form) -> None:
        self.table, self.form = table, form
        self.visitor, self.filled = self._begun()
        self.before = table.rows()
        self.page = self._sent(self.filled)
        self.after = table.rows()
        self.effect = effect(self.page, self.before, self.after)
        self.answered = self.page.followed() if self.page.status < 400 else self.page

    def _begun(self) -> tuple[Visitor, Filled]:
        self.table.put_back()
        visitor = self.table.visitor(self.form)
        return visitor, self.table.filled(self.form, visitor)

    def _sent(self, filled: Filled) -> Page:
        return Page(self.visitor, sent(self.visitor, filled, self.form.page))

    def twice(self) -> str:
        """Say what is wrong where the form is sent once more: by a double click, a copy of the tab, or reloading."""
        return self._more(self._sent(self.filled))

    def back(self) -> str:
        """Say what is wrong where somebody goes back to the page, which has what was typed, and sends it again."""
        if self.form.before or set(self.filled.values) <= self.filled.hidden:
            return ""
        anew = self.table.opened_anew(self.form, self.visitor)
        if anew is None:
            return ""
        # As the script of the page does.
        same = {name: self.filled.values.get(name, []) for name in ("csrf_token", "mark")}
        hidden = {name: values for name, values in anew.values.items() if name in anew.hidden}
        typed = {name: values for name, values in self.filled.values.items() if name not in self.filled.hidden}
        return self._more(self._sent(replace(self.filled, values=hidden | typed | same)))

    def _more(self, page: Page) -> str:
        more = [name for name, rows in self.table.rows().items() if rows != self.after[name]]
        return f"done twice: {more}" if more else f"{page.status}" if page.status >= 500 else ""

    def expired(self) -> str:
        """Say what is wrong where the session ended before the form was sent."""
        self.visitor, filled = self._begun()
        self.table.end_sessions()
        page = self._sent(filled).followed()
        return self._again(filled, page.submit("/sign-in", login=self.form.who, password=PASSWORD))

    def stale(self) -> str:
        """Say what is wrong where the form is of an earlier session."""
        self.visitor, filled = self._begun()
        other = self.table.other_token
        return self._again(
            filled, self._sent(replace(filled, values={**filled.values, "csrf_token": [other]})).followed()
        )

    def _again(self, filled: Filled, page: Page) -> str:
        """Say what is wrong with a page on which the form should be as it was sent, or with sending it from there."""
        wanted = {name: values for name, values in filled.values.items() if not refilled.is_secret(name)}
        lost: object = "the form"
        for shown in self.table.shown_in(self.form, page):
            found = {name: [each.replace("\r\n", "\n") for each in values] for name, values in shown.values.items()}
            lost = [name for name in filled.typed if found.get(name) != filled.values[name]]
            if lost:
                continue
            if "this did not happen yet" not in page.text:
                return "nobody is told that it was not done"
            if filled.files and "has to be chosen again" not in page.text:
                return "the file is not asked for again"
            pressed = {self.form.button[0]: [self.form.button[1]]} if self.form.button else {}
            if {**found, **pressed}.items() >= wanted.items():
                # What is as it was does what it would have done.
                return ""
            secret = {name: values for name, values in filled.values.items() if name not in wanted}
            again = replace(shown, values={**secret, **shown.values, **pressed}, files=filled.files)
            before = self.table.rows()
            done = effect(Page(self.visitor, sent(self.visitor, again, self.form.page)), before, self.table.rows())
            return "" if done == self.effect else f"{done} and not {self.effect}"
        return f"{lost} lost on {page.path} ({page.status})"


@pytest.fixture
def table(cast_site: Site, cast: Cast) -> Iterator[Table]:
    made = Table(cast_site, cast)
    yield made
    made.close()


def tried(table: Table) -> Iterator[Trouble]:
    """Try every form, also those that are seen only after another was sent."""
    # It grows while it is walked.
    for form in table.forms:
        yield (each := Trouble(table, form))
        if each.page.status < 400 and (form.before is None or form.before.before is None):
            table.forms_in(form, each.answered)


def test_whatever_happens_to_a_form_nothing_is_done_twice_and_nothing_typed_is_lost(table: Table) -> None:
    """And whatever did something leads elsewhere, so that loading the answer again, or going back, sends nothing."""
    wrong, taken, seen = {}, Counter[str](), set()
    for trouble in tried(table):
        form, names = trouble.form, ["twice", "back"]
        # The other states of a page have the same form, with other inputs.
        if (kind := (form.who, form.endpoint, form.button)) not in seen:
            names.append("stale" if table.is_open_to_all(form) or not form.who else "expired")
            seen.add(kind)
        for name in names:
            if form.endpoint not in EXCEPT[name] and (why := getattr(trouble, name)()):
                wrong[f"{form.title}, {name}"] = why
        taken[form.endpoint] += bool(trouble.effect.rows)
        if trouble.effect.rows and trouble.page.status == 200 and form.endpoint not in SHOWN_ONCE:
            wrong[form.title] = "answered by a page"
    assert wrong == {}
    assert len(+taken) > 80
    posts = {rule.endpoint for rule in portal_of(table.site).url_map.iter_rules() if "POST" in (rule.methods or ())}
    assert posts - table.endpoints == UNSEEN
