"""Contacts on an iPhone against a running server: what becomes of what its users do, as it writes it."""

from __future__ import annotations

import base64
import io
from random import Random

import pytest
from PIL import Image

from sync.fields import field_from_photo
from sync.profiles import profiles
from sync.sharing import connections
from tests.acceptance.clients import lines
from tests.acceptance.clients.apple_devices import IPhone
from tests.acceptance.clients.apple_user import installed, person, polled
from tests.acceptance.conftest import SHOWN, Stage
from tests.support.pictures import portrait


@pytest.fixture
def phone(stage: Stage) -> IPhone:
    return installed(IPhone(stage.wire()))


def encoded(number: int) -> str:
    return base64.b64encode(portrait(number)).decode()


def test_an_edit_of_one_s_own_card_is_an_edit_of_the_profile(stage: Stage) -> None:
    """A changed number reaches friends; nothing else changes, in any of the ways in which Apple rewrites cards."""
    more = {"hobby": "书法", "gender": "F", "msn": "anna@im.example", "language": "zh", "geo": "39, 116", "role": "R"}
    for kind, text in {**SHOWN, **more, "birthday": "--05-21", "categories": "a, b"}.items():
        stage.give(stage.anna, kind, text)
    for text in ("Lantern Press", "ACME"):
        stage.give(stage.anna, "organization", text)
        stage.give(stage.anna, "nickname", f"Anna of {text}")
        stage.give(stage.anna, "note", f"Works for {text}.")
    stage.give(stage.anna, "bank-account", "999", "Savings")
    stage.give(stage.anna, "mobile", "+852 5555 0138", "Hong Kong")
    face = field_from_photo(portrait(7))
    stage.database.write(lambda session: profiles.add_field(session, stage.anna.id, face))
    phone = installed(IPhone(stage.wire()))
    # The first edit brings the parts of the name, which were not there; nobody sees them without a grant.
    phone.save(phone.book, phone.card(stage.own()).contact, stage.own())
    old = SHOWN["mobile"]
    for number in ("+86 138 0013 8001", "+86 138 0013 8002"):
        before = stage.profile(stage.anna)
        own = phone.card(stage.own()).contact
        own.change(old, number)
        phone.save(phone.book, own, stage.own())
        after = stage.profile(stage.anna)
        assert set(after) == set(before)
        changes = [(before[one], after[one]) for one in after if before[one] != after[one]]
        assert changes == [(("mobile", old), ("mobile", number))]
        assert number in stage.served_to(stage.ben, stage.anna)
        assert number in phone.card(stage.own()).fetched
        assert polled(phone) == ["PROPFIND"]
        old = number


def test_what_it_sent_is_fetched_again_because_the_server_has_it_otherwise(stage: Stage, phone: IPhone) -> None:
    """No ETag says that the phone has what the server has, so the next synchronization brings that."""
    own = phone.card(stage.own()).contact
    own.add("TEL", "+86 138 0013 8001", "CELL")
    phone.save(phone.book, own, stage.own())
    put = next(one for one in phone.wire.exchanges if one.method == "PUT" and one.status == 204)
    assert put.header("ETag") == ""
    assert "PRODID" not in phone.card(stage.own()).fetched


def test_a_birthday_without_a_year_stays_one(stage: Stage, phone: IPhone) -> None:
    """Apple writes the year 1604 for none (I-17)."""
    own = phone.card(stage.own()).contact
    own.single["BDAY"] = "1604-08-20"
    own.parameters["BDAY"] = (("X-APPLE-OMIT-YEAR", "1604"),)
    phone.save(phone.book, own, stage.own())
    assert "BDAY;X-APPLE-OMIT-YEAR=1604:1604-08-20\r\n" in phone.card(stage.own()).fetched
    assert "BDAY:--0820\r\n" in stage.served_to(stage.anna, stage.anna, "4.0")


def test_a_new_photo_on_one_s_own_card_goes_to_those_who_may_see_it(stage: Stage) -> None:
    """With the rectangle that Apple adds (I-17); it comes out as a JPEG in the card (I-18)."""
    face = field_from_photo(portrait(7))
    photo_id = stage.database.write(lambda session: profiles.add_field(session, stage.anna.id, face))
    stage.grant(stage.anna, photo_id)
    phone = installed(IPhone(stage.wire()))
    own = phone.card(stage.own()).contact
    assert own.photo == encoded(7)
    own.photo = encoded(8)
    phone.save(phone.book, own, stage.own())
    assert phone.card(stage.own()).contact.photo == encoded(8)
    (seen,) = [line for line in lines.read(stage.served_to(stage.ben, stage.anna)) if line.name == "PHOTO"]
    assert (seen.value, seen.all("ENCODING"), seen.all("TYPE")) == (encoded(8), ["B"], ["JPEG"])


def test_what_is_added_to_a_connection_s_card_stays_one_s_own(stage: Stage, phone: IPhone) -> None:
    """Never refused, for a refusal would stop everything (I-5); what is the owner's stays so."""
    before = stage.profile(stage.ben)
    ben = phone.card(stage.entry()).contact
    ben.add("TEL", "+49 30 5555 0177", label="Bens Eltern")
    ben.add("X-ABDATE", "2001-02-03", label="Kennengelernt")
    ben.single["NOTE"] = "Schuldet mir ein Bier\\, oder zwei."
    ben.single["NICKNAME"] = "Benny"
    ben.change(SHOWN["mobile"], "+49 000")
    ben.name = "Anders;Ganz;;;"
    phone.save(phone.book, ben, stage.entry())
    assert phone.blocked == []
    now = phone.card(stage.entry())
    assert lines.labels(now.fetched, "TEL")["Bens Eltern"] == "+49 30 5555 0177"
    assert lines.labels(now.fetched, "X-ABDATE")["Kennengelernt"] == "2001-02-03"
    assert lines.values(now.fetched, "NOTE") == ["Schuldet mir ein Bier, oder zwei."]
    assert lines.values(now.fetched, "NICKNAME") == ["Benny"]
    assert lines.values(now.fetched, "FN") == [SHOWN["name"]]
    assert SHOWN["mobile"] in lines.values(now.fetched, "TEL")
    assert stage.profile(stage.ben) == before
    assert polled(phone) == ["PROPFIND"]


def test_name_and_photo_that_messages_share_do_not_stop_it(stage: Stage, phone: IPhone) -> None:
    """Update Contact writes a name and a photo into whatever card there is (I-5): the photo is the viewer's own."""
    ben = phone.card(stage.entry()).contact
    ben.name, ben.photo = "Beispiel;Benjamin;;;", encoded(9)
    ben.single["X-SHARED-PHOTO-DISPLAY-PREF"] = "AUTOUPDATE"
    phone.save(phone.book, ben, stage.entry())
    assert phone.blocked == []
    assert phone.card(stage.entry()).contact.photo == encoded(9)
    other = installed(IPhone(stage.wire()))
    assert other.card(stage.entry()).contact.photo == encoded(9)
    assert encoded(9) not in stage.served_to(stage.ben, stage.ben).replace("\r\n ", "")


def test_taking_back_what_was_added_leaves_the_owner_s_card(stage: Stage, phone: IPhone) -> None:
    served = phone.card(stage.entry()).fetched
    ben = phone.card(stage.entry()).contact
    ben.add("TEL", "+49 30 5555 0177", "HOME")
    phone.save(phone.book, ben, stage.entry())
    ben = phone.card(stage.entry()).contact
    ben.remove("+49 30 5555 0177")
    phone.save(phone.book, ben, stage.entry())
    now = phone.card(stage.entry()).fetched
    assert [line for line in lines.read(now) if line.name != "REV"] == [
        line for line in lines.read(served) if line.name != "REV"
    ]


def test_a_private_contact_is_kept_to_the_octet(stage: Stage, phone: IPhone) -> None:
    """Grouped lines, escaped colons and rectangles come back as they were, so no phone ever sees a change of them."""
    wei = person("Wei;Chen", "+49 555 0123")
    wei.add("URL", "https://wei.example/a?b=1,2", label="_$!<HomePage>!$_")
    wei.add("ADR", "x", "HOME")
    wei.photo = encoded(3)
    wei.single["X-ABSHOWAS"] = "COMPANY"
    href = phone.save(phone.book, wei)
    sent = next(one for one in phone.wire.exchanges if one.method == "PUT" and one.status == 201)
    assert sent.header("ETag") == phone.card(href).etag != ""
    other = installed(IPhone(stage.wire()))
    assert other.card(href).fetched == sent.request.decode()
    assert polled(phone) == ["PROPFIND"]
    wei.change("+49 555 0123", "+49 555 0124")
    phone.save(phone.book, wei, href)
    polled(other)
    assert "+49 555 0124" in other.card(href).fetched
    phone.delete(phone.book, href)
    polled(other)
    assert href not in other.book.cards


def test_of_two_edits_the_first_wins_and_the_second_sees_it(stage: Stage, phone: IPhone) -> None:
    """A 412 stops nothing: the phone fetches what is there."""
    other = installed(IPhone(stage.wire()))
    for path in (stage.own(), stage.entry()):
        for device, note in ((phone, "first"), (other, "second")):
            contact = device.card(path).contact
            contact.single["NOTE"] = note
            device.save(device.book, contact, path)
        assert other.card(path).contact.single["NOTE"] == "first"
    assert [one.status for one in other.wire.exchanges if one.method == "PUT" and one.status != 401] == [412, 412]
    assert (phone.blocked, other.blocked) == ([], [])


def test_the_card_of_somebody_who_left_goes_and_nothing_is_stopped(stage: Stage, phone: IPhone) -> None:
    """An edit that was under way when the two disconnected meets a card that is not there any more."""
    contact = phone.card(stage.entry()).contact
    contact.single["NOTE"] = "too late"
    stage.database.write(lambda session: connections.disconnect(session, stage.anna.id, stage.ben.id))
    phone.save(phone.book, contact, stage.entry())
    assert phone.blocked == []
    assert list(phone.book.cards) == [stage.own()]


@pytest.mark.parametrize(
    ("kind", "text"), [("qq", "10001234"), ("school", "Tsinghua"), ("anniversary", "2009-08-08"), ("phonetic", "anna")]
)
def test_the_only_one_of_its_kind_can_be_deleted(stage: Stage, kind: str, text: str) -> None:
    """Apple's programs keep it, so one that does not come back was deleted, and nobody is shown it any more."""
    stage.give(stage.anna, kind, text)
    phone = installed(IPhone(stage.wire()))
    own = phone.card(stage.own()).contact
    own.lists, own.single = [], {}
    phone.save(phone.book, own, stage.own())
    assert kind not in [found for found, _ in stage.profile(stage.anna).values()]
    assert text not in stage.served_to(stage.ben, stage.anna)


def test_without_one_s_own_photo_the_owner_s_is_shown_again(stage: Stage, phone: IPhone) -> None:
    for photo, shown in ((encoded(9), encoded(9)), ("", encoded(1))):
        ben = phone.card(stage.entry()).contact
        ben.photo = photo
        phone.save(phone.book, ben, stage.entry())
        assert phone.card(stage.entry()).contact.photo == shown


@pytest.mark.parametrize("side", [700, 2000])
def test_a_photo_as_a_camera_takes_it_stops_nothing(stage: Stage, phone: IPhone, side: int) -> None:
    """Refused, it would stop the phone (I-5); it is made small (I-18), and the phone fetches what is kept."""
    written = io.BytesIO()
    Image.frombytes("RGB", (side, side), Random(side).randbytes(side * side * 3)).save(written, "JPEG", quality=80)
    photo = base64.b64encode(written.getvalue()).decode()
    assert len(photo) > 256 * 1024
    wei = person("Wei;Chen", "+49 555 0123")
    wei.photo = photo
    paths = [phone.save(phone.book, wei), stage.own(), stage.entry()]
    for path in paths[1:]:
        contact = phone.card(path).contact
        contact.photo = photo
        phone.save(phone.book, contact, path)
    assert phone.blocked == []
    for path in paths:
        kept = phone.card(path).contact.photo
        assert 0 < len(kept) <= 224 * 1024 * 4 / 3 + 4
        assert kept != photo
    assert lines.values(phone.card(paths[0]).fetched, "TEL") == ["+49 555 0123"]
    assert polled(phone) == ["PROPFIND"]


def test_what_the_phone_left_out_and_the_server_kept_is_given_again(stage: Stage) -> None:
    """Of two organizations a phone has one; deleting that one deletes none of them, which the phone is to show."""
    for text in ("Lantern Press", "ACME"):
        stage.give(stage.anna, "organization", text)
    phone = installed(IPhone(stage.wire()))
    served = phone.card(stage.own()).fetched
    before = stage.profile(stage.anna)
    phone.save(phone.book, phone.card(stage.own()).contact, stage.own())
    assert "PRODID" not in phone.card(stage.own()).fetched
    assert lines.values(phone.card(stage.own()).fetched, "ORG") == lines.values(served, "ORG")
    assert {one: what for one, what in stage.profile(stage.anna).items() if one in before} == before
