"""Settings: being found, addresses, contacts of a phone, taking everything along, and leaving."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from sqlalchemy import select, update

from radicale_plugin.web import imports
from sync.accounts import addresses
from sync.accounts.rate_limits import Limit
from sync.contacts import importing
from sync.database import accounts
from sync.export import exporting
from sync.meeting import answer
from sync.models import BrowserSession, Message
from sync.sharing import connections
from sync.sharing.preferences import EACH_BROWSER, QUESTION, Preferences, preferences_of
from sync.sign_in.sessions import LAST_SEEN_PRECISION
from tests.portal.conftest import PASSWORD, Cast
from tests.support import meeting
from tests.support.factories import contents, group, person
from tests.support.forms import Visitor
from tests.support.meeting import do_errands
from tests.support.one_time_tokens import newest_token
from tests.support.site import Site

VCARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nTEL:{number}\r\nEND:VCARD\r\n"


@pytest.fixture
def anna(cast_site: Site, cast: Cast) -> Visitor:
    """Return Anna, who is signed in."""
    return Visitor(cast_site).signed_in(cast.ids["anna"])


def decided(site: Site, account_id: int) -> Preferences:
    with site.database.reading() as session:
        return preferences_of(session, account_id)


def upload(visitor: Visitor, text: str | bytes) -> str:
    """Send a file of contacts, and return what the page says."""
    data = text.encode() if isinstance(text, str) else text
    sent = visitor.get("/settings/contacts").upload("/settings/contacts", "file", data)
    assert sent.status < 500
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", sent.response.text))


def test_what_one_is_found_by_is_chosen(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    page = anna.get("/settings/finding")
    before = decided(cast_site, cast.ids["anna"])
    assert ("found_by_login" in page.fields("/settings/finding/found")) == before.found_by_login
    after = anna.post("/settings/finding/found", {"found_by_name": "y"}).followed()
    assert after.told == ["Saved. It holds from now on."]
    now = decided(cast_site, cast.ids["anna"])
    assert (now.found_by_login, now.found_by_email, now.found_by_phone, now.found_by_name) == (False,) * 3 + (True,)
    assert now.connecting == before.connecting


def test_a_question_is_set_and_kept_without_its_answer(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    me, bo = cast.ids["anna"], person(cast_site.database, "newbie")
    page = anna.get("/settings/finding")
    page = page.submit(
        "/settings/finding/connecting", connecting=QUESTION, question="Which street?", answer="Main Street"
    )
    assert page.told == ["Saved. It holds from now on."]
    assert "Main Street" not in page.response.text
    assert page.fields("/settings/finding/connecting")["question"] == "Which street?"
    again = page.submit("/settings/finding/connecting")
    assert again.status == 200
    assert decided(cast_site, me).question == "Which street?"
    assert answer(cast_site.database, bo, me, "main street", "192.0.2.9")


@pytest.mark.parametrize(
    "sent",
    [
        {"connecting": QUESTION, "question": "Another one?", "answer": ""},
        {"connecting": QUESTION, "question": "", "answer": "something"},
        {"connecting": "everybody"},
        {"connecting": "confirm", "newcomers": "1"},
        {"connecting": "confirm", "newcomers": "x"},
        {},
    ],
)
def test_what_cannot_be_decided_is_said_at_its_field(
    cast_site: Site, cast: Cast, anna: Visitor, sent: dict[str, str]
) -> None:
    before = decided(cast_site, cast.ids["anna"])
    page = anna.post("/settings/finding/connecting", sent)
    assert page.status == 400
    assert page.told
    assert decided(cast_site, cast.ids["anna"]) == before


def test_newcomers_land_in_a_group_of_one_s_own(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    own = group(cast_site.database, cast.ids["anna"], "New people")
    other = group(cast_site.database, cast.ids["bo"], "Not hers")
    page = anna.get("/settings/finding").submit("/settings/finding/connecting", newcomers=str(own))
    assert page.told == ["Saved. It holds from now on."]
    assert decided(cast_site, cast.ids["anna"]).newcomers_group_id == own
    values = {**page.fields("/settings/finding/connecting"), "newcomers": str(other)}
    assert anna.post("/settings/finding/connecting", values).status == 400


def test_whoever_signs_in_gets_letters_in_the_language_of_their_browser_until_they_choose(
    cast_site: Site, cast: Cast
) -> None:
    """And so do those whom they invite, who are written to in the language of who invites them."""
    chinese = Visitor(cast_site, language="zh-CN")
    chinese.get("/sign-in").submit("/sign-in", login="anna", password=PASSWORD)
    assert decided(cast_site, cast.ids["anna"]).language == "zh-Hans"
    chinese.get("/find/invite/").submit("/find/invite/", address="eve@example.org")
    do_errands(cast_site.database)
    with cast_site.database.reading() as session:
        assert session.scalars(select(Message.language)).all() == ["zh-Hans"]
    page = chinese.get("/settings/").submit("/settings/language", language="")
    page.visitor.post("/sign-out")
    Visitor(cast_site).get("/sign-in").submit("/sign-in", login="anna", password=PASSWORD)
    assert decided(cast_site, cast.ids["anna"]).language == EACH_BROWSER


def test_whoever_is_signed_in_since_long_ago_is_asked_their_browser_s_language_the_next_time(
    cast_site: Site, cast: Cast
) -> None:
    visitor = Visitor(cast_site, language="zh-CN").signed_in(cast.ids["bo"])
    visitor.get("/settings/")
    assert decided(cast_site, cast.ids["bo"]).language is None
    seen = update(BrowserSession).values(last_seen_at=BrowserSession.last_seen_at - LAST_SEEN_PRECISION)
    cast_site.database.write(lambda session: session.execute(seen))
    visitor.get("/settings/")
    assert decided(cast_site, cast.ids["bo"]).language == "zh-Hans"


def test_the_language_is_chosen_and_left_to_the_browser_again(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    page = anna.get("/settings/").submit("/settings/language", language="zh-Hans")
    assert page.told == ["语言已保存。"]
    assert page.document.get("lang") == "zh-Hans"
    assert Visitor(cast_site).signed_in(cast.ids["anna"]).get("/").document.get("lang") == "zh-Hans"
    page = page.submit("/settings/language", language="")
    assert page.document.get("lang") == "en"
    assert anna.post("/settings/language", {"language": "xx"}).followed().status == 200
    assert decided(cast_site, cast.ids["anna"]).language == EACH_BROWSER


def test_an_e_mail_address_is_confirmed_by_the_link(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    page = anna.get("/settings/addresses").submit("/settings/addresses", address="Anna.New@Example.org")
    assert "is on its way to anna.new@example.org" in page.told[0]
    assert "anna.new@example.org" not in anna.get("/settings/addresses").text
    token = newest_token(cast_site.database, "confirm")
    anna.get(f"/confirm?token={token}").submit("/confirm")
    page = anna.get("/settings/addresses")
    assert "anna.new@example.org" in page.text
    gone = anna.post("/settings/addresses/remove", {"channel": "email", "value": "anna.new@example.org"}).followed()
    assert gone.told == ["The address is removed. Nobody finds you by it any more."]
    assert "anna.new@example.org" not in gone.text


@pytest.mark.parametrize("text", ["", "x", "a@", "+86 138", "anna@example.org\r\nBcc: x@example.org"])
def test_what_is_no_address_is_told_so(anna: Visitor, text: str) -> None:
    page = anna.post("/settings/addresses", {"address": text})
    assert page.status == 400
    assert page.told


def test_nobody_removes_another_s_address(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    bo = cast.ids["bo"]
    cast_site.database.write(lambda session: addresses.add(session, bo, "email", "bo@example.org"))
    removed = anna.post("/settings/addresses/remove", {"channel": "email", "value": "bo@example.org"}).followed()
    assert removed.told == ["There is no such address."]
    with cast_site.database.reading() as session:
        assert ("email", "bo@example.org") in addresses.addresses_of(session, bo)


def test_a_wrong_code_is_told_so(anna: Visitor) -> None:
    for number in ("+8613800138000", "nonsense", ""):
        page = anna.post("/settings/addresses/code", {"number": number, "code": "000000"})
        assert page.status == 400
        assert page.told


def test_contacts_are_taken_over_once(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    file = (
        VCARD.format(name="Zoe <b>Bold</b>", number="+1 202 555 0188")
        + "BEGIN:VCARD\r\nVERSION:9.0\r\nFN:Bad\r\nEND:VCARD\r\n"
    )
    said = upload(anna, file)
    assert "1 contact is new." in said
    assert "1 could not be taken over" in said
    assert "Bad" in said
    said = upload(anna, file)
    assert "0 contacts are new." in said
    assert "1 was there already" in said
    entries = contents(cast_site.database, cast.ids["anna"])
    assert len([entry for entry in entries if "555 0188" in entry.text]) == 1


def test_a_large_file_is_answered_in_time_and_goes_on_where_it_was(
    cast_site: Site, cast: Cast, anna: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No proxy has to wait for more than a part of it, however large it is."""
    monkeypatch.setattr(imports, "SECONDS", 0.0)
    monkeypatch.setattr(importing, "_BATCH", 2)
    file = "".join(VCARD.format(name=f"P{number}", number=f"+1 202 555 {number:04}") for number in range(3))
    before = len(contents(cast_site.database, cast.ids["anna"]))
    said = upload(anna, file)
    assert "2 contacts are new." in said
    assert "There was no time for the last 1 contact of the file." in said
    assert "it goes on where it was" in said
    monkeypatch.setattr(imports, "SECONDS", 60.0)
    said = upload(anna, file)
    assert "1 contact is new." in said
    assert "There was no time" not in said
    assert len(contents(cast_site.database, cast.ids["anna"])) == before + 3


@pytest.mark.parametrize("file", ["", "nonsense", b"\xff\xfe\x00", b"\0" * 1000, "BEGIN:VCARD"])
def test_a_file_that_is_none_is_told_so(anna: Visitor, file: str | bytes) -> None:
    said = upload(anna, file)
    assert "Choose the file first." in said or "no vCard" in said or "could not be taken over" in said


def test_who_of_the_contacts_is_here_can_be_asked(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    here = person(cast_site.database, "zoe")
    for account_id, number in ((here, "+12025550188"), (cast.ids["anna"], "+12025550189")):
        cast_site.database.write(lambda session, to=account_id, it=number: addresses.add(session, to, "sms", it))  # type: ignore[misc]
        said = upload(anna, VCARD.format(name="Zoe from work", number="+1 202 555 0188"))
        assert "Whoever looks at this list is on it" in said
        assert anna.post("/settings/contacts/known").status == 400
    meeting.prefer(cast_site.database, here, found_by_phone=True)
    page = anna.get("/settings/addresses")
    assert "May others find you by your phone number?" in page.text
    assert "May others find you by your phone number?" in anna.get("/").text
    page = anna.post("/settings/finding/number", {"found": "yes"}).followed()
    assert "May others find you by your phone number?" not in page.text + anna.get("/").text
    said = upload(anna, VCARD.format(name="Zoe from work", number="+1 202 555 0188"))
    assert "zoe · in your contacts: Zoe from work" in said
    assert meeting.requests(cast_site.database, here) == []
    page = anna.post("/settings/contacts/known")
    page = page.submit("/settings/contacts/ask", person=str(here), message="Hello Zoe")
    assert page.told == ["You have asked 1 person."]
    (asked,) = meeting.requests(cast_site.database, here)
    assert (asked.login, asked.message) == ("anna", "Hello Zoe")
    assert anna.post("/settings/contacts/ask", {"person": str(here)}).followed().status == 200
    assert len(meeting.requests(cast_site.database, here)) == 1


@pytest.mark.parametrize("sent", [{"person": "x"}, {"person": "9" * 30}, {"message": "x" * 501}])
def test_asking_with_nonsense_is_refused(anna: Visitor, sent: dict[str, str]) -> None:
    assert anna.post("/settings/contacts/ask", sent).status == 400


def test_everything_can_be_taken_along(
    cast_site: Site, cast: Cast, anna: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "EXPORTS", Limit("export", 1, 3600))
    archive = anna.get("/settings/").submit("/settings/export").response
    assert archive.headers["Content-Type"] == "application/zip"
    assert "evercard.json" in zipfile.ZipFile(io.BytesIO(archive.content)).namelist()
    assert anna.post("/settings/export").status == 429


def test_leaving_needs_the_password(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    for password in ("", "wrong password"):
        page = anna.post("/settings/leave", {"password": password})
        assert page.status == 400
        assert page.told
    with cast_site.database.reading() as session:
        assert accounts.find(session, "anna") == cast.ids["anna"]


def test_who_leaves_is_gone(cast_site: Site, cast: Cast, anna: Visitor) -> None:
    page = anna.get("/settings/leave").submit("/settings/leave", password=PASSWORD)
    assert page.path == "/"
    assert page.told[0].startswith("Your account is deleted.")
    assert anna.get("/settings/").status == 303
    with cast_site.database.reading() as session:
        assert "anna" not in [each.login for each in accounts.everybody(session)]
        assert cast.ids["anna"] not in connections.connected_to(session, cast.ids["bo"])
