"""Nothing that was typed is lost: not by a session that ended, another token, another language, or by leaving."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter

import pytest
from lxml import html
from playwright.sync_api import Browser, Page, expect

from radicale_plugin.web import refilled
from tests.portal import walk
from tests.portal.conftest import PASSWORD, Cast
from tests.portal.test_pages import sign_in
from tests.support import chromium as browsers
from tests.support.chromium import ASKS, PortalServer, comes_true
from tests.support.forms import ROOT, Visitor, portal_of
from tests.support.site import Site

TYPED = "typed by Anna, <b>with care</b>\r\nand = and &"


@pytest.fixture
def anna(cast_site: Site, cast: Cast) -> Visitor:
    """Return a browser in which Anna is signed in."""
    return Visitor(cast_site).signed_in(cast.ids[walk.WHO])


def typed_names(form: html.FormElement) -> list[str]:
    fields = form.xpath(".//textarea[@name and not(@hidden)] | .//input[@name]")
    kinds = ("text", "tel", "search", "email", "url", "date", "time", "number")
    return [each.get("name") for each in fields if each.tag == "textarea" or each.get("type", "text") in kinds]


def test_a_form_is_sent_after_signing_in_by_a_button_and_does_then_what_it_would_have(
    cast_site: Site, cast: Cast
) -> None:
    gone = Visitor(cast_site)
    values = {"csrf_token": gone.token(), "text": "Likes\r\nwalnuts", "label": ""}
    page = gone.send(f"{ROOT}/card/add/note", values)
    assert "You were signed out meanwhile" in page.text
    wrong = page.submit("/sign-in", login="anna", password="not this one")
    assert wrong.status == 400
    page = wrong.submit("/sign-in", login="anna", password=PASSWORD)
    assert (page.status, page.path) == (200, "/sign-in")
    assert "this did not happen yet" in page.text
    assert str(page.fields("/card/add/note")["text"]).split() == ["Likes", "walnuts"]
    assert "walnuts" not in gone.get("/card/").text
    page = page.submit("/card/add/note")
    assert page.path.startswith("/card/")
    assert "Likes walnuts" in page.text


def test_a_form_with_the_token_of_an_earlier_session_can_be_sent_again(anna: Visitor, cast_site: Site) -> None:
    stale = {"csrf_token": Visitor(cast_site).token(), "text": "Likes walnuts", "label": ""}
    page = anna.send(f"{ROOT}/card/add/note", stale)
    assert page.status == 400
    assert "You signed in or out meanwhile" in page.text
    assert "Likes walnuts" in page.submit("/card/add/note").text


def test_a_password_and_what_another_site_sent_are_not_kept(anna: Visitor, cast_site: Site) -> None:
    gone = Visitor(cast_site)
    sent = {"csrf_token": gone.token(), "password": PASSWORD, "new_password": PASSWORD, "text": "x"}
    assert PASSWORD not in gone.send(f"{ROOT}/card/add/note", sent).response.text
    page = gone.send(f"{ROOT}/card/add/note", {**sent, "csrf_token": "x"}, origin=None)
    assert (page.status, "walnuts" in page.text) == (400, False)
    evil = {"csrf_token": gone.token(), "kept_path": "https://evil.example/", "kept": "text=x"}
    assert "evil.example" not in gone.send(f"{ROOT}/language", evil).followed().response.text


def test_no_field_for_a_password_is_ever_kept(anna: Visitor, cast_site: Site, cast: Cast) -> None:
    found = set()
    for visitor in (anna, Visitor(cast_site)):
        for endpoint, path in walk.addresses(cast_site, "GET", cast.ids):
            if endpoint not in walk.NO_PAGE:
                page = visitor.get(path).followed()
                found |= {str(name) for name in page.document.xpath("//input[@type='password']/@name")}
    assert len(found) > 2
    assert [name for name in found if not refilled.is_secret(name)] == []


def test_another_language_keeps_what_was_refused(anna: Visitor) -> None:
    page = anna.post("/card/add/mobile", {"text": "no number at all", "label": ""})
    assert page.status == 400
    page = page.submit("/language", language="zh-Hans")
    assert page.document.get("lang") == "zh-Hans"
    assert "no number at all" in page.submit("/card/add/mobile").response.text


def switch_of(form: html.FormElement) -> str:
    """Return where a form goes by its button for the other language, which is none that Enter presses."""
    buttons = form.xpath(".//button[not(@type='button')] | .//input[@type='submit']")
    (switch,) = (each for each in buttons if "/language/" in each.get("formaction", ""))
    assert buttons.index(switch) > 0
    assert switch.get("formnovalidate") is not None
    return str(switch.get("formaction"))


def typed_into(site: Site, cast: Cast, visitor: Visitor) -> Iterator[tuple[str, html.FormElement, list[str]]]:
    """Yield each form of each page in which somebody can type text: where it goes, itself, and the names."""
    seen: set[str] = set()
    for endpoint, some in groupby(walk.addresses(site, "GET", cast.ids), itemgetter(0)):
        _endpoint, path = next(some)
        page = visitor.get(path)
        if endpoint in walk.NO_PAGE or page.response.is_redirect:
            continue
        for form in page.document.forms:
            action = str(form.get("action") or page.response.url.path)
            if form.method.lower() == "post" and typed_names(form) and action not in seen:
                seen.add(action)
                yield action, form, typed_names(form)


@pytest.mark.parametrize("inside", [True, False], ids=["inside", "outside"])
def test_without_scripts_another_language_keeps_what_is_typed_in_every_form(
    cast_site: Site, cast: Cast, *, inside: bool
) -> None:
    """The language is chosen by a button of the form itself, and the page comes again with what was typed."""
    visitor = Visitor(cast_site).signed_in(cast.ids[walk.WHO]) if inside else Visitor(cast_site)
    count, typed = 0, TYPED.replace("\r\n", "\n")
    for action, form, names in typed_into(cast_site, cast, visitor):
        switch = switch_of(form)
        values: dict[str, str | list[str]] = {}
        for name, value in form.form_values():
            values[name] = [*values.get(name, []), value]
        values |= {name: f"{TYPED} {name}" for name in names}
        again = visitor.send(switch, {**values, "csrf_token": visitor.token()})
        assert f"/language/{again.document.get('lang')}?" in switch, action
        (shown,) = (each for each in again.document.forms if each.get("action") == action)
        said = dict(shown.form_values())
        for name in names:
            # A browser leaves out the first end of a line in a field of several.
            assert "\n".join(str(said[name]).split("\r\n")).removeprefix("\n") == f"{typed} {name}", (action, name)
        hidden = [name for name in shown.xpath(".//input[@type='hidden']/@name") if name != "csrf_token"]
        assert {name: said[name] for name in hidden} == {name: values[name][-1] for name in hidden}, action
        count += 1
    assert count > (15 if inside else 2)


#: A file has to be chosen anew, and the last of these is about the language itself.
ALONE = (
    "card.import_card",
    "card.photo",
    "contact_photo.index",
    "settings.choose_language",
    "shared_books.photo",
)


def test_every_form_in_which_something_is_chosen_has_a_button_for_another_language(
    cast_site: Site, cast: Cast, anna: Visitor
) -> None:
    urls = portal_of(cast_site).url_map.bind("evercard.test")
    without: dict[str, str] = {}
    for endpoint, path in walk.addresses(cast_site, "GET", cast.ids):
        page = anna.get(path)
        if endpoint in walk.NO_PAGE or page.response.is_redirect:
            continue
        for form in page.document.forms:
            chosen = form.xpath(".//select | .//input[@type='radio'] | .//input[@type='checkbox']")
            if (
                form.method.lower() == "post"
                and chosen
                and not form.xpath(".//button[contains(@formaction, '/language/')]")
            ):
                action = str(form.get("action") or page.response.url.path).removeprefix(ROOT).partition("?")[0]
                without[str(urls.match(action, method="POST")[0])] = path
    assert {name: path for name, path in without.items() if name not in ALONE} == {}


def test_without_scripts_ticks_and_choices_stay_when_the_language_is_chosen(anna: Visitor) -> None:
    page = anna.get("/sharing/")
    boxes = page.document.xpath("//input[@name='box']/@value")
    ticked = [str(value) for value in boxes[:2] + boxes[-1:]]
    sent = {**page.fields("/sharing/"), "box": ticked, "who": ""}
    again = anna.send(switch_of(page.form("/sharing/")), sent)
    assert again.document.xpath("//input[@name='box'][@checked]/@value") == ticked
    assert again.fields("/sharing/")["had"] == sent["had"]
    page = anna.get("/find/invite/many/")
    groups = page.document.xpath("//select[@name='group']/option/@value")
    sent = {**page.fields("/find/invite/many/"), "group": str(groups[-1]), "addresses": "a@example.org"}
    again = anna.send(switch_of(page.form("/find/invite/many/")), sent)
    assert again.fields("/find/invite/many/")["group"] == groups[-1]


def test_a_form_that_is_refused_and_one_whose_page_is_gone_keep_what_was_typed(anna: Visitor) -> None:
    refused = anna.post("/groups/", {"name": " "})
    assert refused.status == 400
    again = anna.send(switch_of(refused.form("/groups/")), {**refused.fields("/groups/"), "name": "Walkers"})
    assert "Walkers" in again.response.text
    gone = f"{ROOT}/language/zh-Hans?page={ROOT}/nowhere&form={ROOT}/groups/"
    assert "Walkers" in anna.send(gone, {"name": "Walkers", "csrf_token": anna.token()}).response.text
    evil = f"{ROOT}/language/zh-Hans?page=https://evil.example/&form=https://evil.example/"
    assert anna.send(evil, {"name": "Walkers", "csrf_token": anna.token()}).location == "/"


def test_no_link_within_a_form_leads_away_from_what_is_typed(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    """But the one that gives it up and says so: everything else opens beside it."""
    leading = {
        (action, str(link.get("href")))
        for visitor in (anna, Visitor(cast_site))
        for action, form, _names in typed_into(cast_site, cast, visitor)
        for link in form.xpath(".//a[@href]")
        if link.get("target") != "_blank" and not link.get("href").startswith("#") and link.get("data-closes") is None
    }
    assert leading == set()


@pytest.fixture
def page(chromium: Browser, lasting_server: PortalServer) -> Iterator[Page]:
    """Yield a browser's window in which Anna is signed in."""
    with browsers.opened(chromium, lasting_server) as page:
        sign_in(page)
        yield page


def test_leaving_a_form_that_came_back_with_what_was_typed_asks(page: Page) -> None:
    """The page is whole, as it is where no script sent the form; where it was only opened nobody asks."""
    page.goto("card/add/birthday")
    comes_true(page, f"() => !({ASKS})()")
    typed = page.locator("#form-new input:not([type=hidden])").first
    # Neither this nor how it is sent is an event that a script would hear of.
    typed.evaluate("(input, text) => { input.value = text; }", "some day in May")
    with page.expect_navigation():
        page.locator("#form-new").evaluate("(form) => { form.noValidate = true; form.submit(); }")
    expect(typed).to_have_value("some day in May")
    comes_true(page, ASKS)


def test_leaving_a_matrix_that_was_looked_at_before_saving_asks(page: Page) -> None:
    page.goto("sharing/")
    page.locator(".col.open input[name=box]").last.click()
    page.locator(".savebar button[formaction]").click()
    page.wait_for_url("**/sharing/preview*")
    comes_true(page, ASKS)


def test_choosing_another_language_keeps_what_is_typed_and_ticked(page: Page) -> None:
    page.goto("contacts/new")
    page.locator("main input[name=name]").fill("Dora <D>")
    page.locator("main input[name=note]").fill("Likes tea")
    page.locator("footer button[lang=zh-Hans]").click()
    page.locator("html[lang=zh-Hans]").wait_for()
    expect(page.locator("main input[name=name]")).to_have_value("Dora <D>")
    expect(page.locator("main input[name=note]")).to_have_value("Likes tea")
    page.goto("card/add/note")
    page.locator("#form-new textarea").fill("Walnuts")
    page.locator("#form-new .chip-toggle").first.click()
    page.locator("footer button[lang=en]").click()
    page.locator("html[lang=en]").wait_for()
    expect(page.locator("#form-new textarea")).to_have_value("Walnuts")
    expect(page.locator("#form-new input[name=groups]").first).to_be_checked()


def test_without_scripts_a_language_is_chosen_in_the_form_and_the_look_of_a_card_opens_beside_it(
    chromium: Browser, lasting_server: PortalServer
) -> None:
    with browsers.opened(chromium, lasting_server, java_script_enabled=False) as page:
        # The language stays theirs.
        sign_in(page, "bo")
        page.goto("contacts/new")
        page.locator("main input[name=name]").fill("Dora <D>")
        page.locator("main form button[lang=zh-Hans]").click()
        page.locator("html[lang=zh-Hans]").wait_for()
        expect(page.locator("main input[name=name]")).to_have_value("Dora <D>")
        page.locator("main form button").first.click()
        page.locator("section.person h2", has_text="Dora <D>").wait_for()
        page.goto("card/add/note")
        page.locator("#form-new textarea").fill("Walnuts")
        with page.expect_popup() as beside:
            page.locator("form.as button").click()
        beside.value.locator("#looks-card").wait_for()
        expect(page.locator("#form-new textarea")).to_have_value("Walnuts")


def test_what_was_sent_without_a_network_is_there_when_one_comes_back(page: Page) -> None:
    page.goto("groups/")
    page.locator("main").get_by_role("link", name="family").first.click()
    name = page.locator("form[action$='/rename'] input[name=name]")
    name.fill("Walkers <W>")
    at = page.url
    page.context.set_offline(True)
    page.locator("form[action$='/rename'] button").first.click()
    expect(page.get_by_text("This did not reach the server")).to_be_in_viewport()
    expect(name).to_have_value("Walkers <W>")
    page.context.set_offline(False)
    # There is a network, but none that leads here.
    page.route("**/rename", lambda route: route.abort())
    page.locator("form[action$='/rename'] button").first.click()
    page.wait_for_url("chrome-error://**")
    page.go_back()
    name.wait_for()
    expect(name).to_have_value("Walkers <W>")
    page.goto(at)
    expect(name).to_have_value("family")


def test_a_double_click_makes_one_device(page: Page) -> None:
    page.goto("devices/new/other")
    page.locator("main form input[name=label]").fill("Clicked twice")
    page.locator("main form button").first.dblclick()
    page.locator("#secret").wait_for()
    page.goto("devices/")
    expect(page.locator("main li.row", has_text="Clicked twice")).to_have_count(1)


def test_a_part_of_a_page_whose_session_ended_becomes_the_page_to_sign_in(page: Page) -> None:
    page.goto("card/add/note")
    page.locator("#form-new textarea").fill("Likes walnuts")
    page.context.clear_cookies()
    page.locator("#form-new button:has-text('Save')").click()
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("input[name=login]").fill("anna")
    page.locator("main form button").first.click()
    expect(page.locator("#form-new textarea")).to_have_value("Likes walnuts")
    page.locator("#form-new .acts button").first.click()
    page.locator("#fields :text('Likes walnuts')").first.wait_for()
