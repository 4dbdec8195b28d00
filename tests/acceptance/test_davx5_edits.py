"""DAVx5 on Android, as its source has it, against a running server: what becomes of what its users do."""

from __future__ import annotations

import base64
import uuid

import pytest

from sync.fields import field_from_photo
from sync.profiles import profiles
from sync.sharing import connections
from tests.acceptance.clients import lines
from tests.acceptance.clients.davx5 import DAVx5, Local, contacts
from tests.acceptance.clients.davx5_cards import Contact
from tests.acceptance.clients.davx5_user import added, book_of, card, installed, synced
from tests.acceptance.conftest import SHOWN, Stage
from tests.support import factories
from tests.support.pictures import portrait


@pytest.fixture
def phone(stage: Stage) -> DAVx5:
    return installed(stage.wire())


def test_an_edit_of_one_s_own_card_is_an_edit_of_the_profile(stage: Stage) -> None:
    """A changed number reaches friends; nothing else changes, in any of the ways in which DAVx5 rewrites cards."""
    for kind, text in {**SHOWN, "hobby": "书法", "gender": "F", "msn": "anna@im.example"}.items():
        stage.give(stage.anna, kind, text)
    for text in ("Lantern Press", "ACME"):
        stage.give(stage.anna, "organization", text)
        stage.give(stage.anna, "nickname", f"Anna of {text}")
        stage.give(stage.anna, "note", f"Works for {text}.")
    stage.give(stage.anna, "bank-account", "999", "Savings")
    face = field_from_photo(portrait(7))
    stage.database.write(lambda session: profiles.add_field(session, stage.anna.id, face))
    phone = installed(stage.wire())
    for number in ("+86 138 0013 8001", "+86 138 0013 8002"):
        before = stage.profile(stage.anna)
        own = card(phone, stage.own())
        mobile = next(text for text in ("+86 138 0013 8001", SHOWN["mobile"]) if text in own.fetched)
        own.contact.change(mobile, number)
        own.dirty = True
        # The card that is served differs from what was sent: it comes without an ETag, and is fetched.
        assert synced(phone) == ["PROPFIND", "PUT", "REPORT", "REPORT"]
        after = stage.profile(stage.anna)
        assert set(after) == set(before)
        assert [(before[one], after[one]) for one in after if before[one] != after[one]] == [
            (("mobile", mobile), ("mobile", number))
        ]
        assert number in stage.served_to(stage.ben, stage.anna)
        assert synced(phone) == ["PROPFIND"]


def test_what_is_deleted_in_one_s_own_card_is_deleted_and_what_is_new_is_shown_to_nobody(stage: Stage) -> None:
    stage.give(stage.anna, "mobile", "+86 138 0013 8001")
    stage.give(stage.anna, "mobile", "+86 138 0013 8002")
    phone = installed(stage.wire())
    own = card(phone, stage.own())
    own.contact.remove("+86 138 0013 8001")
    own.contact.add("EMAIL", "new@anna.example", "home")
    own.dirty = True
    synced(phone)
    assert sorted(stage.profile(stage.anna).values()) == [
        ("email", "new@anna.example"),
        ("mobile", "+86 138 0013 8002"),
    ]
    seen = stage.served_to(stage.ben, stage.anna)
    assert ("8001" in seen, "8002" in seen, "new@anna" in seen) == (False, True, False)


def test_what_is_added_to_a_connection_s_card_stays_one_s_own(stage: Stage, phone: DAVx5) -> None:
    """The owner's fields stay the owner's, also those that the phone changed, and what comes later arrives (D-8)."""
    ben = card(phone, stage.entry())
    before = stage.profile(stage.ben)
    ben.contact.add("TEL", "+49 30 5555 0177", "home", label="Bens Eltern")
    ben.contact.categories.append("Skat")
    ben.contact.note = "Schuldet mir ein Bier."
    ben.contact.change(SHOWN["url"], "https://elsewhere.example/")
    ben.dirty = True
    assert synced(phone) == ["PROPFIND", "PUT", "REPORT", "REPORT"]
    assert synced(phone) == ["PROPFIND"]
    now = card(phone, stage.entry())
    assert ("+49 30 5555 0177", "Bens Eltern") in [(lines.plain(one.value), label) for one, label in now.contact.lists]
    assert (now.contact.categories, now.contact.note) == (["Skat"], "Schuldet mir ein Bier.")
    assert SHOWN["url"] in now.fetched
    assert stage.profile(stage.ben) == before
    assert "5555 0177" not in stage.served_to(stage.ben, stage.ben)


def test_a_new_photo_arrives_after_an_edit_that_sent_the_old_one_back(stage: Stage, phone: DAVx5) -> None:
    """Android compresses every picture anew; taken for the viewer's own it would hide the owner's for ever."""
    ben = card(phone, stage.entry())
    ben.contact.note = "Met in Hamburg."
    ben.dirty = True
    synced(phone)
    photo_id = stage.shown["photo"]
    face = field_from_photo(portrait(2))
    stage.database.write(lambda session: profiles.set_field(session, stage.ben.id, photo_id, face))
    synced(phone)
    now = card(phone, stage.entry())
    assert base64.b64encode(portrait(2)).decode() in now.fetched.replace("\r\n ", "")
    assert now.contact.note == "Met in Hamburg."


def test_a_private_contact_is_added_changed_and_deleted(stage: Stage, phone: DAVx5) -> None:
    local = added(phone, "Chen Wei")
    assert "PUT" in synced(phone)
    assert synced(phone) == ["PROPFIND"]
    other = installed(stage.wire())
    path = f"{book_of(phone).url}{local.name}"
    assert card(other, path).contact.name == "Chen Wei"
    local.contact.change("+49 555 0123", "+49 555 0124")
    local.dirty = True
    synced(phone)
    synced(other)
    assert "+49 555 0124" in card(other, path).fetched
    local.deleted = True
    assert "DELETE" in synced(phone)
    synced(other)
    assert book_of(other).named(local.name) is None
    assert "Chen Wei" not in stage.served_to(stage.ben, stage.anna)


def test_a_group_is_a_card_with_members_whichever_client_reads_it(stage: Stage, phone: DAVx5) -> None:
    """DAVx5 writes KIND and MEMBER of vCard 4.0; who asks for 3.0 gets what Apple's programs know (D-9)."""
    uid = card(phone, stage.entry()).contact.uid
    group = Local(Contact(str(uuid.uuid4()), is_group=True, members=[uid], name="Skat"), dirty=True)
    book_of(phone).cards.append(group)
    synced(phone)
    other = installed(stage.wire())
    found = card(other, f"/{group.name}").contact
    assert (found.is_group, found.members, found.name) == (True, [uid], "Skat")
    assert [local.contact.name for local in contacts(book_of(other)) if local.contact.is_group] == []
    (text,) = [one.text for one in factories.contents(stage.database, stage.anna.id) if one.href == group.name]
    assert lines.values(text, "X-ADDRESSBOOKSERVER-KIND") == ["group"]
    assert lines.values(text, "X-ADDRESSBOOKSERVER-MEMBER") == [f"urn:uuid:{uid}"]
    assert lines.values(text, "N")[0].startswith("Skat")


def test_a_deleted_connection_is_hidden_until_it_is_shown_again(stage: Stage, phone: DAVx5) -> None:
    name = card(phone, stage.entry()).name
    card(phone, stage.entry()).deleted = True
    assert "DELETE" in synced(phone)
    assert synced(phone) == ["PROPFIND"]
    assert book_of(phone).named(name) is None
    stage.database.write(lambda session: connections.show(session, stage.anna.id, stage.ben.id))
    synced(phone)
    assert card(phone, stage.entry()).contact.name == SHOWN["name"]


def test_of_two_edits_the_first_wins_and_nobody_sees_an_error(stage: Stage, phone: DAVx5) -> None:
    """A card that changed on the server is a 412, which it takes in silence to fetch what is there (D-8)."""
    other = installed(stage.wire())
    for path in (stage.own(), stage.entry()):
        for one, note in ((phone, "first"), (other, "second")):
            card(one, path).contact.note = note
            card(one, path).dirty = True
            synced(one)
        assert card(other, path).contact.note == "first"
        assert 412 in [one.status for one in other.wire.exchanges]
    local = added(phone, "Somebody")
    synced(phone)
    synced(other)
    local.deleted = True
    synced(phone)
    copy = card(other, f"/{local.name}")
    copy.contact.name, copy.dirty = "Somebody Else", True
    synced(other)
    assert book_of(other).named(local.name) is None


def test_the_card_of_somebody_who_left_cannot_be_kept_alive(stage: Stage, phone: DAVx5) -> None:
    """The refusal says need-privileges, the only 403 that is no red notification (D-8)."""
    ben = card(phone, stage.entry())
    ben.etag, ben.dirty = None, True
    stage.database.write(lambda session: connections.disconnect(session, stage.anna.id, stage.ben.id))
    assert "PUT" in synced(phone)
    assert 403 in [one.status for one in phone.wire.exchanges]
    assert book_of(phone).named(ben.name) is None


def test_a_uid_that_there_is_already_is_taken_in_silence(phone: DAVx5) -> None:
    book_of(phone).cards.append(Local(Contact("twice", name="One"), "one.vcf", dirty=True))
    book_of(phone).cards.append(Local(Contact("twice", name="Two"), "two.vcf", dirty=True))
    synced(phone)
    assert [one.status for one in phone.wire.exchanges if one.method == "PUT"] == [201, 409]


@pytest.mark.parametrize(
    ("kind", "text"), [("qq", "10001234"), ("school", "Tsinghua"), ("anniversary", "2009-08-08"), ("role", "Cook")]
)
def test_the_only_one_of_its_kind_can_be_deleted(stage: Stage, kind: str, text: str) -> None:
    """DAVx5 keeps it, so one that does not come back was deleted, and nobody is shown it any more."""
    stage.give(stage.anna, kind, text)
    phone = installed(stage.wire())
    own = card(phone, stage.own())
    own.contact.lists, own.contact.single, own.contact.relations, own.dirty = [], {}, [], True
    synced(phone)
    assert kind not in [found for found, _ in stage.profile(stage.anna).values()]
    assert text not in stage.served_to(stage.ben, stage.anna)
