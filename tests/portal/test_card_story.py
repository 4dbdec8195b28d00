"""Anna looks after her card in a real browser, and Bo's phone follows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from sync.database.engine import Database
from sync.sign_in import credentials
from tests.portal import walk
from tests.portal.conftest import PASSWORD, Cast
from tests.portal.test_pages import sign_in
from tests.support import chromium as browsers
from tests.support.chromium import NARROW, PortalServer, comes_true
from tests.support.factories import group, href_of, person

SCHOOL = "Tsinghua University"
ROWS = ".own > details"
#: Counts clicks in the page.
COUNTED = """
    addEventListener("click", () => {
        document.body.dataset.clicks = 1 + Number(document.body.dataset.clicks || 0);
    }, true)
"""
WRITTEN = (
    ("Mobile phone", "+86 138 0000 0001"),
    ("Mobile phone", "+86 138 0000 0002"),
    ("Mobile phone", "+86 138 0000 0003"),
    ("E-mail", "new@a.example"),
    ("E-mail", "new@b.example"),
    ("E-mail", "new@c.example"),
    ("E-mail", "new@d.example"),
)


class Phone:
    """Bo's phone."""

    def __init__(self, server: PortalServer, cast: Cast) -> None:
        """Give it a password, and let it know where Anna's entry is."""
        database = Database(cast.url)
        bo = cast.ids["bo"]
        self.password = database.write(lambda session: credentials.add_device(session, bo, "Phone")[1])
        self.url = f"{server.url}/bo/contacts/{href_of(database, bo, cast.ids[walk.WHO])}"
        database.dispose()

    def text(self) -> str:
        """Return what it is served of Anna."""
        answer = httpx.get(self.url, auth=("bo", self.password))
        assert answer.status_code == 200
        return answer.text


@pytest.fixture
def phone(server: PortalServer, cast: Cast) -> Phone:
    """Return Bo's phone, which has Anna's card as her family gets it."""
    return Phone(server, cast)


def look(page: Page, name: str) -> None:
    browsers.picture(page, name)
    assert browsers.look(page) == []


def add_with_keyboard(page: Page) -> None:
    """Add an address, and let the family see it; the page stays."""
    page.goto("card/")
    page.get_by_role("link", name="Postal address").first.press("Enter")
    form = page.locator("#adding")
    form.get_by_label("Where this is").select_option("work")
    form.get_by_label("Street and number").press_sequentially("1 Lantern Lane")
    form.get_by_label("Town or city").fill("Shanghai")
    form.get_by_label("Label").fill("Studio")
    form.get_by_label("family").press("Space")
    look(page, "card-story-address")
    form.get_by_label("Country").press("Enter")
    expect(page.locator("#told")).to_contain_text("Postal address is on your card.")
    expect(page.locator(ROWS).last).to_contain_text("1 Lantern Lane, Shanghai")


def move_with_keyboard(page: Page) -> None:
    """Move a field up; the button that was pressed keeps the focus."""
    field = page.locator(ROWS).filter(has_text="10001234")
    place = field.evaluate("node => [...node.parentNode.children].indexOf(node)")
    field.locator("summary").press("Enter")
    button = field.get_by_role("button", name="Move up")
    identity = button.get_attribute("id")
    button.press("Enter")
    expect(page.locator(ROWS).nth(place - 1)).to_contain_text("10001234")
    comes_true(page, f"() => document.activeElement.id === '{identity}'")


def edit_in_its_row(page: Page) -> None:
    """Change a value in its row, and who sees it, without leaving the page."""
    field = page.locator(ROWS).filter(has_text="Rock climbing")
    field.locator("summary").click()
    page.evaluate("document.body.dataset.stays = 'yes'")
    field.get_by_role("textbox", name="Hobby").fill("Bouldering")
    field.get_by_label("colleagues").check(force=True)
    look(page, "card-story-row")
    field.get_by_role("button", name="Save").click()
    expect(page.locator("#told")).to_contain_text("Hobby is changed")
    expect(page.locator(ROWS).filter(has_text="Bouldering")).to_contain_text("colleagues")
    comes_true(page, "() => document.body.dataset.stays === 'yes'")


def drag(page: Page) -> None:
    """Drag the last field to the first place."""
    rows = page.locator(ROWS)
    said = rows.last.locator(".val").inner_text()
    handle, first = rows.last.locator(".grip"), rows.first
    handle.scroll_into_view_if_needed()
    handle.hover()
    page.mouse.down()
    first.scroll_into_view_if_needed()
    box = first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 8, steps=4)
    page.mouse.up()
    expect(rows.first.locator(".val")).to_have_text(said)


def change_photo(page: Page, directory: Path) -> None:
    """Choose a picture and a square of it, which is shown before it is sent."""
    image = Image.new("RGB", (900, 600), "#20639b")
    image.paste("#ed553b", (600, 0, 900, 600))
    written = io.BytesIO()
    image.save(written, "JPEG")
    file = directory / "picture.jpg"
    file.write_bytes(written.getvalue())
    page.get_by_role("link", name="Change the photo").click()
    page.get_by_label("Picture", exact=True).set_input_files(file)
    canvas = page.locator("canvas")
    expect(canvas).to_be_visible()
    middle = "node => node.getContext('2d').getImageData(128, 128, 1, 1).data"
    comes_true(canvas, f"{middle}[2] > 120")
    page.get_by_label("From left to right").fill("100")
    page.get_by_label("Closer").fill("200")
    comes_true(canvas, f"{middle}[0] > 200")
    look(page, "card-story-photo")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("The photo is changed")
    red = "node => { const c = document.createElement('canvas').getContext('2d'); c.drawImage(node, 0, 0, 9, 9);"
    comes_true(page.locator("img.picture").first, red + "return c.getImageData(4, 4, 1, 1).data[0] > 200; }")


def box(page: Page, text: str, group: str) -> str:
    """Return the selector of a box in the matrix."""
    column = page.locator(".col").filter(has=page.locator(".top b", has_text=group))
    value = column.locator("label").filter(has_text=text).locator("input").get_attribute("value")
    return f"input[name=box][value='{value}']"


def grant(page: Page, text: str, *, shown: bool) -> None:
    """Tick or untick a field for the family, see at once what that means, and save it."""
    page.goto("sharing/")
    page.get_by_label("How it looks to").select_option("family")
    preview = page.locator("#preview article")
    expect(preview).to_contain_text("1 Lantern Lane")
    expect(preview).not_to_contain_text(text) if shown else expect(preview).to_contain_text(text)
    page.locator(box(page, text, "family")).set_checked(shown)
    expect(page.locator("#preview")).to_contain_text("It is not saved yet.")
    expect(preview).to_contain_text(text) if shown else expect(preview).not_to_contain_text(text)
    look(page, f"card-story-{'grant' if shown else 'take-back'}")
    expect(page.locator("#matrix [data-changed]")).to_have_text("Changes: 1, not saved yet")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#told")).to_contain_text("Saved.")


def test_anna_looks_after_her_card_and_bos_phone_follows(
    chromium: Browser, server: PortalServer, phone: Phone, tmp_path: Path
) -> None:
    assert SCHOOL not in phone.text()
    with browsers.opened(chromium, server) as page:
        sign_in(page)
        add_with_keyboard(page)
        assert "1 Lantern Lane" in phone.text()
        move_with_keyboard(page)
        edit_in_its_row(page)
        drag(page)
        change_photo(page, tmp_path)
    with browsers.opened(chromium, server, viewport=NARROW, has_touch=True) as page:
        sign_in(page)
        grant(page, SCHOOL, shown=True)
        assert SCHOOL in phone.text()
        grant(page, SCHOOL, shown=False)
        assert SCHOOL not in phone.text()
        # And undone: the address goes, and with it what the family saw of it.
        page.goto("card/")
        page.locator(ROWS).filter(has_text="1 Lantern Lane").locator("summary").click()
        page.get_by_role("button", name="Remove: Postal address (Studio)").click()
        assert "1 Lantern Lane" not in phone.text()
        page.goto("card/history")
        look(page, "card-story-history")
        page.get_by_role("button", name="Undo", exact=True).click()
        expect(page.locator(".own")).to_contain_text("1 Lantern Lane")
        assert "1 Lantern Lane" not in phone.text()


def test_everything_works_without_scripts(chromium: Browser, server: PortalServer, phone: Phone) -> None:
    with browsers.opened(chromium, server, java_script_enabled=False) as page:
        sign_in(page)
        page.goto("sharing/")
        page.locator(box(page, SCHOOL, "family")).check()
        page.get_by_label("How it looks to").select_option("family")
        page.get_by_role("button", name="Look before saving").click()
        expect(page.locator("#preview")).to_contain_text("It is not saved yet.")
        expect(page.locator("#preview article")).to_contain_text(SCHOOL)
        assert SCHOOL not in phone.text()
        page.get_by_role("button", name="Save").click()
        assert SCHOOL in phone.text()


@pytest.fixture
def newcomer(cast: Cast) -> Iterator[tuple[Database, int]]:
    """Yield the database, and somebody new in it, whose card is blank."""
    database = Database(cast.url)
    new = person(database, "newcomer")
    database.write(lambda session: credentials.set_password_hash(session, new, credentials.hash_password(PASSWORD)))
    yield database, new
    database.dispose()


def clicks(page: Page, entered: int) -> int:
    """Return how often something was pressed, once as many fields were *entered*: Enter is a click to the browser."""
    return int(page.evaluate("document.body.dataset.clicks")) - entered


def test_seven_fields_cost_seven_clicks_and_one_page(
    chromium: Browser, server: PortalServer, newcomer: tuple[Database, int]
) -> None:
    """Somebody new writes a card: a press on a kind, the value, Enter, and so on."""
    with browsers.opened(chromium, server, viewport=NARROW) as page:
        sign_in(page, "newcomer")
        page.goto("card/")
        pages: list[str] = []
        page.on("framenavigated", lambda frame: pages.append(frame.url))
        page.evaluate(COUNTED)
        for kind, said in WRITTEN:
            page.locator("#more").get_by_role("link", name=kind).first.click()
            page.locator("#adding input:focus").fill(said)
            page.keyboard.press("Enter")
            expect(page.locator(ROWS).last).to_contain_text(said)
        expect(page.locator(ROWS)).to_have_count(7)
        assert len(WRITTEN) == 7
        # The look of the card beside it follows.
        expect(page.locator("#looks-card")).to_contain_text("7 lines stay hidden from them.")
        assert clicks(page, len(WRITTEN)) == 7
        assert pages == []


#: The example that Evercard was built after, field by field, with the group that is to see each of them.
EXAMPLE = (
    ("Mobile phone", "+86 138 0000 0001", "family"),
    ("Office phone", "+86 10 5555 0121", "family"),
    ("Bank account", "6222 0000 0000 0138", "family"),
    ("Postal address", "1 Lantern Lane", "family"),
    ("QQ", "10001234", "net friends"),
    ("E-mail", "y@example.org", "net friends"),
    ("E-mail", "z@example.org", "colleagues"),
)


def test_seven_fields_of_all_kinds_for_three_groups_cost_12_clicks_and_one_page(
    chromium: Browser, server: PortalServer, newcomer: tuple[Database, int]
) -> None:
    """Whoever sees the field before is proposed for the next one, in words and by ticks; all kinds stay in sight."""
    database, new = newcomer
    for name in ("family", "net friends", "colleagues"):
        group(database, new, name)
    with browsers.opened(chromium, server, viewport=NARROW) as page:
        sign_in(page, "newcomer")
        page.goto("card/")
        pages: list[str] = []
        page.on("framenavigated", lambda frame: pages.append(frame.url))
        page.evaluate(COUNTED)
        before = None
        for kind, said, wanted in EXAMPLE:
            page.locator("#more").get_by_role("link", name=kind, exact=True).first.click()
            form = page.locator("#adding")
            expect(form).to_contain_text(kind)
            if before:
                expect(form).to_contain_text(f"Ticked already, as for the field before: {before}.")
                expect(form.get_by_label(before)).to_be_checked()
            if wanted != before:
                for name in filter(None, (before, wanted)):
                    form.locator("label").filter(has_text=name).click()
            expect(form.locator(":checked + span")).to_have_text([wanted])
            if kind == "QQ":
                look(page, "card-story-proposed")
            form.locator("input[type=text], input[type=tel]").first.fill(said)
            page.keyboard.press("Enter")
            row = page.locator(ROWS).last
            expect(row).to_contain_text(said)
            expect(row.locator(".chip")).to_have_text([wanted])
            before = wanted
        expect(page.locator(ROWS)).to_have_count(7)
        assert clicks(page, len(EXAMPLE)) == 12
        assert pages == []


def test_strangers_are_never_proposed(chromium: Browser, server: PortalServer, newcomer: tuple[Database, int]) -> None:
    """And without scripts it is the same as with them."""
    database, new = newcomer
    group(database, new, "family")
    with browsers.opened(chromium, server, viewport=NARROW, java_script_enabled=False) as page:
        sign_in(page, "newcomer")
        page.goto("card/")
        for kind, said in (("Mobile phone", "+86 138 0000 0001"), ("QQ", "10001234")):
            page.locator("#more").get_by_role("link", name=kind, exact=True).first.click()
            expect(page.locator("#adding .chip-toggle.open input")).not_to_be_checked()
            page.locator("#adding input[name=text]").fill(said)
            for name in ("Strangers", "family"):
                page.locator("#adding").get_by_label(name).check(force=True)
            page.locator("#adding").get_by_role("button", name="Save").click()
            expect(page.locator("#told")).to_contain_text("Strangers see now: Mobile phone")
        page.locator("#more").get_by_role("link", name="Bank account").click()
        expect(page.locator("#adding :checked + span")).to_have_text(["family"])
        expect(page.locator("#adding")).to_contain_text("Ticked already, as for the field before: family.")
        # What was looked up elsewhere begins anew.
        page.goto("card/add/mobile")
        expect(page.locator("#adding :checked")).to_have_count(0)
