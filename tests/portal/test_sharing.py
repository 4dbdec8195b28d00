"""Deciding who sees what, with forms."""

from __future__ import annotations

import pytest

from sync.profiles import profiles
from sync.queries import connected_people, previews
from sync.sharing import grants
from sync.sharing.visibility import STRANGER
from tests.support.factories import (
    MOBILE,
    connected,
    content,
    crowd,
    everybody_connected,
    field,
    group,
    person,
    seen,
    strangers,
)
from tests.support.forms import Page, Visitor, portal_of
from tests.support.site import Site
from tests.support.statements import sent

MAIL = "a@example.org"


class Stage:
    """Anna, who knows Bert of her family and Carl of no group, with a number and an address on her card."""

    def __init__(self, site: Site) -> None:
        """Sign Anna in. Nobody was granted anything."""
        self.site, self.database = site, site.database
        self.anna, self.bert, self.carl = connected(site.database, "anna", "bert", "carl")
        self.phone, self.mail = field(site.database, self.anna), field(site.database, self.anna, "email", MAIL)
        self.family = group(site.database, self.anna, "family", [self.bert])
        self.strangers = strangers(site.database, self.anna)
        self.visitor = Visitor(site).signed_in(self.anna)

    def box(self, group_id: int, field_id: int) -> str:
        """Return what the box of a group and a field is called."""
        return f"{group_id}-{field_id}"

    def seen(self) -> tuple[set[str], set[str]]:
        """Return what Bert's and Carl's phones get."""
        return seen(self.database, self.bert, self.anna), seen(self.database, self.carl, self.anna)

    def open(self, path: str = "/sharing/") -> Page:
        """Open a page as Anna."""
        return self.visitor.get(path)

    def save(self, page: Page, *boxes: str) -> Page:
        """Tick just these boxes of a page and save it."""
        return self.visitor.send("/.web/sharing/", {**page.fields("/sharing/"), "box": list(boxes)}).followed()


@pytest.fixture
def stage(site: Site) -> Stage:
    """Return Anna and her people."""
    return Stage(site)


def ticked(page: Page) -> set[str]:
    return set(page.document.xpath("//input[@name='box'][@checked]/@value"))


def test_what_is_ticked_is_seen_and_what_is_not_ticked_is_gone_at_once(stage: Stage) -> None:
    page = stage.save(stage.open(), stage.box(stage.family, stage.phone), stage.box(stage.strangers, stage.mail))
    assert page.told == [
        "Saved. From now on everybody gets just what is ticked.",
        "Strangers see now: E-mail. Anybody who finds you can read it.",
    ]
    assert stage.seen() == ({MOBILE, MAIL}, {MAIL})
    assert ticked(page) == {stage.box(stage.family, stage.phone), stage.box(stage.strangers, stage.mail)}
    stage.save(page, stage.box(stage.family, stage.phone))
    assert stage.seen() == ({MOBILE}, set())
    assert stage.save(stage.open(), stage.box(stage.family, stage.phone)).told == ["Nothing was changed."]


def test_an_old_page_grants_and_takes_back_nothing_that_it_did_not_show(stage: Stage) -> None:
    old = stage.open()
    added = profiles_add(stage, "+1 555 0177")
    newer = stage.save(stage.open(), stage.box(stage.family, added))
    assert stage.seen()[0] == {"+1 555 0177"}
    # Ticks everything that it can, and one that it cannot.
    stage.save(
        old, *(stage.box(group, field) for group in (stage.family, stage.strangers) for field in (stage.phone, added))
    )
    assert stage.seen() == ({MOBILE, "+1 555 0177"}, {MOBILE})
    assert ticked(newer) == {stage.box(stage.family, added)}


def profiles_add(stage: Stage, text: str) -> int:
    return stage.database.write(lambda session: profiles.add_field(session, stage.anna, content(text=text)))


def test_an_old_page_neither_grants_again_nor_takes_back_what_was_decided_elsewhere(stage: Stage) -> None:
    phone, mail = stage.box(stage.family, stage.phone), stage.box(stage.family, stage.mail)
    old = stage.save(stage.open(), phone)
    stage.save(stage.open(), mail)
    assert stage.seen()[0] == {MAIL}
    # It still shows the number as granted, and the address as not granted.
    stage.save(old, phone, stage.box(stage.strangers, stage.phone))
    assert stage.seen() == ({MAIL, MOBILE}, {MOBILE})
    assert ticked(stage.open()) == {mail, stage.box(stage.strangers, stage.phone)}


def test_a_page_about_one_group_leaves_the_others_alone(stage: Stage) -> None:
    stage.save(stage.open(), stage.box(stage.strangers, stage.mail))
    page = stage.open(f"/sharing/?group={stage.family}")
    assert set(page.document.xpath("//input[@name='box']/@value")) == {
        stage.box(stage.family, stage.phone),
        stage.box(stage.family, stage.mail),
    }
    after = stage.save(page, stage.box(stage.family, stage.phone))
    assert f"group={stage.family}" in after.path
    assert stage.seen() == ({MOBILE, MAIL}, {MAIL})


def test_what_is_somebody_elses_cannot_be_granted_or_taken_back(stage: Stage) -> None:
    theirs = group(stage.database, stage.bert, "family", [stage.anna])
    number = field(stage.database, stage.bert, text="+1 555 0100")
    for group_id, field_id in ((theirs, number), (stage.family, number), (theirs, stage.phone), (1, 2)):
        posted = {"group": str(group_id), "field": str(field_id), "box": stage.box(group_id, field_id)}
        page = stage.visitor.post("/sharing/", posted).followed()
        assert page.told[0] in ("There is no such group.", "There is no such field.")
        assert stage.visitor.post("/sharing/preview", posted).status == 200
    assert stage.seen() == (set(), set())
    assert seen(stage.database, stage.anna, stage.bert) == set()


@pytest.mark.parametrize("box", ["", "-", "1", "1-", "-1", "x-y", "1-2-3", f"{2**63}-1", "9" * 60_000, "٣-٣"])
def test_a_box_that_is_none_is_a_bad_request(stage: Stage, box: str) -> None:
    for name in ("box", "had"):
        assert stage.visitor.post("/sharing/", {name: box}).status == 400
    for name in ("group", "field"):
        assert stage.visitor.post("/sharing/", {name: box}).status == (400 if box != "1" else 303)


def shown(page: Page) -> str:
    """Return the vCard text of the preview."""
    return str(page.document.xpath("//pre")[0].text_content()).strip().replace("\n", "\r\n") + "\r\n"


def test_a_preview_is_the_very_card(stage: Stage) -> None:
    stage.save(stage.open(), stage.box(stage.family, stage.phone), stage.box(stage.strangers, stage.mail))
    with stage.database.reading() as session:
        expected = {
            "": previews.for_audience(session, stage.anna, STRANGER),
            f"group-{stage.family}": previews.for_group(session, stage.anna, stage.family),
            f"person-{stage.bert}": previews.for_person(session, stage.anna, stage.bert),
        }
    for who, text in expected.items():
        page = stage.open(f"/sharing/?who={who}")
        assert shown(page) == text
        assert (MOBILE in page.document.xpath("string(//article)")) == (who != "")
        assert stage.open(f"/sharing/card?who={who}").response.text == text


def test_nobody_else_can_be_looked_through(stage: Stage) -> None:
    """What is no group or connection of one's own is shown what strangers are."""
    other = person(stage.database, "other")
    theirs = group(stage.database, stage.bert, "family", [stage.anna])
    with stage.database.reading() as session:
        text = previews.for_audience(session, stage.anna, STRANGER)
    for who in (f"person-{other}", f"group-{theirs}", "person-", "group-x", "nonsense", "-", f"person-{2**63}", "%00"):
        assert shown(stage.open(f"/sharing/?who={who}")) == text


@pytest.mark.parametrize("who", ["group", "person"])
def test_what_is_not_saved_is_shown_and_done_only_when_it_is_saved(stage: Stage, who: str) -> None:
    number = stage.family if who == "group" else stage.bert
    posted = {**stage.open().fields("/sharing/"), "box": stage.box(stage.family, stage.phone), "who": f"{who}-{number}"}
    part = stage.visitor.client.post(
        "/.web/sharing/preview", data=posted, headers={"HX-Request": "true", "Origin": "http://evercard.test"}
    )
    assert part.status_code == 200
    assert "<html" not in part.text
    assert MOBILE in part.text
    assert "It is not saved yet." in part.text
    whole = stage.visitor.send("/.web/sharing/preview", posted)
    assert MOBILE in whole.document.xpath("string(//article)")
    assert ticked(whole) == {stage.box(stage.family, stage.phone)}
    assert stage.seen() == (set(), set())
    # From there it can be saved.
    whole.submit("/sharing/")
    assert stage.seen() == ({MOBILE}, set())


def test_exceptions_are_made_for_one_person(stage: Stage) -> None:
    stage.save(stage.open(), stage.box(stage.family, stage.phone), stage.box(stage.strangers, stage.mail))
    path = f"/sharing/people/{stage.bert}"
    page = stage.visitor.get(path).submit(path, **{f"now-{stage.phone}": "never"})
    assert page.told == ["Saved. It is so from now on."]
    assert MOBILE not in page.document.xpath("string(//article)")
    assert stage.seen() == ({MAIL}, {MAIL})
    assert "but not by bert" in stage.visitor.get("/card/").text
    other = f"/sharing/people/{stage.carl}"
    stage.visitor.get(other).submit(other, **{f"now-{stage.phone}": "always", f"now-{stage.mail}": "never"})
    assert stage.seen() == ({MAIL}, {MOBILE})
    stage.visitor.get(path).submit(path, **{f"now-{stage.phone}": "groups"})
    assert stage.seen() == ({MOBILE, MAIL}, {MOBILE})


def test_an_old_page_of_a_person_changes_nothing_that_was_not_changed_in_it(stage: Stage) -> None:
    path = f"/sharing/people/{stage.bert}"
    old = stage.visitor.get(path)
    stage.visitor.get(path).submit(path, **{f"now-{stage.phone}": "always"})
    added = profiles_add(stage, "+1 555 0177")
    old.submit(path, **{f"now-{stage.mail}": "always"})
    assert stage.seen()[0] == {MOBILE, MAIL}
    assert old.submit(path).told == ["Nothing was changed."]
    assert added


def test_no_exception_is_made_for_who_is_not_connected_or_of_what_is_not_ones_own(stage: Stage) -> None:
    other = person(stage.database, "other")
    foreign = field(stage.database, stage.bert)
    for viewer_id in (other, stage.anna, 1, 2**63 - 1, 2**63):
        assert stage.visitor.get(f"/sharing/people/{viewer_id}").status == 404
        posted = {"field": str(stage.phone), f"now-{stage.phone}": "always"}
        answer = stage.visitor.post(f"/sharing/people/{viewer_id}", posted).followed()
        assert answer.status in (404, 405) or answer.told == ["These two are not connected."]
    posted = {"field": str(foreign), f"now-{foreign}": "always"}
    assert stage.visitor.post(f"/sharing/people/{stage.bert}", posted).followed().told == ["There is no such field."]
    posted = {"field": str(stage.phone), f"now-{stage.phone}": "perhaps"}
    assert stage.visitor.post(f"/sharing/people/{stage.bert}", posted).status == 400
    assert stage.seen() == (set(), set())


def test_people_are_found_by_name_and_come_in_pages(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    name = field(stage.database, stage.carl, "name", "陈卡尔")
    everybody = strangers(stage.database, stage.carl)
    stage.database.write(lambda session: grants.grant(session, stage.carl, everybody, [name]))
    links = "//main//ul[contains(@class, 'list')]//a/text()"
    for text, found in (
        ("", ["bert", "陈卡尔"]),
        ("BER", ["bert"]),
        ("chenkaer", ["陈卡尔"]),
        ("carl", ["陈卡尔"]),
        ("x", []),
    ):
        assert stage.open(f"/sharing/people?q={text}").document.xpath(links) == found
    monkeypatch.setattr(connected_people, "PAGE", 1)
    assert stage.open("/sharing/people").document.xpath(links) == ["bert"]
    assert stage.open("/sharing/people?page=2").document.xpath(links) == ["陈卡尔"]
    for number in ("0", "x", "9" * 40):
        assert stage.open(f"/sharing/people?page={number}").status == 200
    # Who is on another page can still be looked at.
    page = stage.open(f"/sharing/?who=person-{stage.carl}")
    assert page.document.xpath("//option[@selected]/text()") == ["陈卡尔 (carl)"]


def test_no_list_asks_the_database_about_each_person(stage: Stage) -> None:
    def statements(path: str) -> int:
        with sent(portal_of(stage.site).database.engine) as texts:
            assert stage.open(path).status == 200
        return len(texts)

    paths = ("/sharing/", "/sharing/people", f"/sharing/people/{stage.bert}", "/card/")
    for path in paths:
        stage.open(path)
    before = [statements(path) for path in paths]
    crowd(stage.database, stage.anna, 300, [stage.family])
    assert min(before) > 1
    assert [statements(path) for path in paths] == before


def test_with_very_many_boxes_there_is_one_group_at_a_time(stage: Stage) -> None:
    for number in range(30):
        group(stage.database, stage.anna, f"group {number}")
    for number in range(60):
        profiles_add(stage, f"+1 555 {number:04}")
    page = stage.open()
    assert len(page.document.xpath("//input[@name='box']")) == 62
    assert "All groups" not in page.text
    last = stage.open(f"/sharing/?group={stage.strangers}")
    stage.save(last, stage.box(stage.strangers, stage.phone))
    assert stage.seen() == ({MOBILE}, {MOBILE})


def test_what_strangers_see_is_a_tick_that_follows_and_keeps_what_was_given(stage: Stage) -> None:
    both = stage.box(stage.family, stage.phone), stage.box(stage.strangers, stage.phone)
    page = stage.save(stage.open(), *both)
    (cell,) = page.document.xpath(f"//label[.//input[@value='{both[0]}']]")
    assert cell.get("class") == "cell as"
    assert "as Strangers" in cell.text_content()
    # What follows from strangers is sent with the form, so that it stays when strangers lose it.
    stage.save(page, *(box for box in ticked(page) if box != both[1]))
    assert stage.seen() == ({MOBILE}, set())


def test_what_all_connections_see_is_a_tick_that_follows_for_every_group(stage: Stage) -> None:
    every = everybody_connected(stage.database, stage.anna)
    page = stage.save(stage.open(), stage.box(every, stage.phone))
    assert stage.seen() == ({MOBILE}, {MOBILE})
    (cell,) = page.document.xpath(f"//label[.//input[@value='{stage.box(stage.family, stage.phone)}']]")
    assert cell.get("class") == "cell as"
    assert "as Connections" in cell.text_content()
    assert page.document.xpath("//div[@role='group']/@id")[:2] == [f"g-{stage.strangers}", f"g-{every}"]


def test_strangers_come_first_and_what_they_see_is_told(stage: Stage) -> None:
    page = stage.save(stage.open(), stage.box(stage.strangers, stage.mail))
    assert page.document.xpath("//div[@role='group']/@id")[0] == f"g-{stage.strangers}"
    assert "Strangers see: E-mail." in page.text
    assert "Strangers see:" not in stage.save(page).text


def test_before_strangers_see_something_more_it_is_told_beside_the_button_and_afterwards(stage: Stage) -> None:
    page = stage.save(stage.open(), stage.box(stage.strangers, stage.mail))
    boxes = [stage.box(stage.strangers, stage.mail), stage.box(stage.strangers, stage.phone)]
    looked = stage.visitor.send("/.web/sharing/preview", {**page.fields("/sharing/"), "box": boxes})
    (said,) = looked.document.find_class("savebar")[0].find_class("opens")
    assert said.text_content() == "Strangers will see: Mobile phone. Anybody who finds you can read it."
    assert said.get("hidden") is None
    told = stage.save(looked, *boxes).told
    assert told[1:] == ["Strangers see now: Mobile phone, E-mail. Anybody who finds you can read it."]
    # Of what they see already, and of what others are to see, there is no word.
    page = stage.save(stage.open(), *boxes, stage.box(stage.family, stage.phone))
    assert page.told == ["Saved. From now on everybody gets just what is ticked."]
    assert page.document.find_class("savebar")[0].find_class("opens")[0].get("hidden") == ""


def test_ticks_stay_when_another_group_is_looked_at(stage: Stage) -> None:
    for number in range(30):
        group(stage.database, stage.anna, f"group {number}")
    for number in range(60):
        profiles_add(stage, f"+1 555 {number:04}")
    page = stage.open(f"/sharing/?group={stage.family}")
    boxes = [stage.box(stage.family, stage.phone)]
    posted = {**page.fields("/sharing/"), "box": boxes, "go": str(stage.strangers)}
    page = stage.visitor.send("/.web/sharing/preview", posted)
    assert page.document.xpath("//input[@name='only']/@value") == [str(stage.strangers)]
    kept = page.document.xpath("//input[@type='hidden' and @name='box']/@value")
    assert kept == boxes
    assert stage.seen() == (set(), set())
    stage.save(page, *kept, stage.box(stage.strangers, stage.mail))
    assert stage.seen() == ({MOBILE, MAIL}, {MAIL})
