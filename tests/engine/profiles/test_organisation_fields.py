"""What a person's organisation fills is changed by nobody else, by no door; whatever else comes by one is done."""

from __future__ import annotations

import pytest

from sync import verification
from sync.database.engine import Database
from sync.errors import Refused
from sync.fields import FieldContent
from sync.profiles import edits, organisation_fields, profiles
from sync.sharing import grants
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of
from sync.sign_in import provisioning
from sync.sign_in.provisioning import Listed
from sync.vcard import parse_one
from tests.support.factories import (
    changes,
    connect,
    content,
    contents,
    field,
    group,
    href_of,
    person,
    put,
    revisions,
    seen,
    set_field,
)

THEIRS, OWN = "+49 30 5555 0101", "+49 30 5555 0202"


def fill(database: Database, owner_id: int, **said: FieldContent) -> int:
    """Let an organisation say something."""
    return database.write(lambda session: organisation_fields.fill(session, owner_id, said))


def said(database: Database, owner_id: int) -> dict[int, tuple[str, str | None]]:
    """Return what each field of a profile says, and the claim that fills it."""
    with database.reading() as session:
        return {each.id: (content_of(each).text(), each.claim) for each in fields_of(session, owner_id)}


@pytest.fixture
def anna(database: Database) -> int:
    """Anna, whose organisation says her office phone."""
    anna = person(database, "anna")
    fill(database, anna, phone_number=content("office-phone", THEIRS))
    return anna


def own_card(database: Database, owner_id: int) -> str:
    """Return the person's own card as a device gets it."""
    (entry,) = [each for each in contents(database, owner_id) if each.href == href_of(database, owner_id, owner_id)]
    return entry.text


def test_a_phone_that_changes_it_gets_it_back_and_the_rest_is_stored(database: Database, anna: int) -> None:
    href, before = href_of(database, anna, anna), revisions(database, [anna])[anna]
    text = own_card(database, anna)
    sent = text.replace(THEIRS, OWN).replace("END:VCARD", "NOTE:mine\r\nEND:VCARD")
    assert sent != text
    head = put(database, anna, href, sent.encode())
    assert THEIRS in own_card(database, anna)
    assert "NOTE:mine" in own_card(database, anna)
    assert revisions(database, [anna])[anna] > before
    assert [each.href for each in changes(database, anna, before)] == [href]
    assert not head.as_sent


def test_a_phone_that_changes_nothing_else_is_handed_the_card_again(database: Database, anna: int) -> None:
    href, before = href_of(database, anna, anna), revisions(database, [anna])[anna]
    put(database, anna, href, own_card(database, anna).replace(THEIRS, OWN).encode())
    assert [each.href for each in changes(database, anna, before)] == [href]
    assert [text for text, claim in said(database, anna).values() if claim] == [THEIRS]


def test_a_phone_that_deletes_it_gets_it_back(database: Database, anna: int) -> None:
    lines = [line for line in own_card(database, anna).splitlines() if not line.startswith("TEL")]
    put(database, anna, href_of(database, anna, anna), "\r\n".join(lines).encode() + b"\r\n")
    assert (THEIRS, "phone_number") in said(database, anna).values()


def test_no_door_of_its_owner_changes_it(database: Database, anna: int) -> None:
    ((field_id, _),) = said(database, anna).items()
    version = database.write(lambda session: edits.latest(session, anna))
    with pytest.raises(Refused, match="from your organisation"):
        set_field(database, anna, field_id, OWN, "office-phone")
    with pytest.raises(Refused, match="from your organisation"):
        database.write(lambda session: profiles.remove_field(session, anna, field_id))
    with pytest.raises(Refused, match="from your organisation"):
        database.write(
            lambda session: profiles.settle(
                session, anna, content("office-phone", THEIRS), content("office-phone", OWN)
            )
        )
    card = parse_one("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna\r\nN:;Anna;;;\r\nEND:VCARD\r\n")
    database.write(lambda session: profiles.import_card(session, anna, card, replace=True))
    assert said(database, anna)[field_id] == (THEIRS, "phone_number")
    fill(database, anna, phone_number=content("office-phone", OWN))
    database.write(lambda session: profiles.restore(session, anna, version))
    assert said(database, anna)[field_id] == (OWN, "phone_number")
    database.write(lambda session: profiles.restore(session, anna, 0) if version == 0 else None)
    with database.reading() as session:
        assert list(verification.findings(session)) == []


def test_a_list_of_an_administrator_does_not_change_it(database: Database, anna: int) -> None:
    listed = Listed("anna", {"office-phone": content("office-phone", THEIRS)})
    database.write(lambda session: provisioning.put(session, listed, renew=True))
    other = Listed("anna", {"office-phone": content("office-phone", OWN)})
    report = database.write(lambda session: provisioning.put(session, other, renew=True))
    assert report.kept == 1
    assert (THEIRS, "phone_number") in said(database, anna).values()


def test_who_sees_it_is_for_the_person_to_say_and_nobody_does_before(database: Database, anna: int) -> None:
    bo = person(database, "bo")
    connect(database, anna, bo)
    ((field_id, _),) = said(database, anna).items()
    family = group(database, anna, "family", [bo])
    assert THEIRS not in "".join(seen(database, bo, anna))
    database.write(lambda session: grants.grant(session, anna, family, [field_id]))
    fill(database, anna, phone_number=content("office-phone", OWN))
    assert any(OWN in text for text in seen(database, bo, anna))


def test_what_the_person_has_already_is_taken_over_as_the_field_that_it_is(database: Database, anna: int) -> None:
    name = field(database, anna, "name", "Anna")
    mobile = field(database, anna, "mobile", "+86 138 0013 8000")
    told = {"name": content("name", "Anna Chen"), "phone": content("mobile", "+86 138 0013 8000")}
    fill(database, anna, phone_number=content("office-phone", THEIRS), **told)
    found = said(database, anna)
    assert found[name] == ("Anna Chen", "name")
    assert found[mobile][1] == "phone"
    assert len(found) == 3


def test_the_same_again_changes_nothing(database: Database, anna: int) -> None:
    before = revisions(database, [anna])
    assert fill(database, anna, phone_number=content("office-phone", THEIRS)) == 0
    assert revisions(database, [anna]) == before


def test_what_is_said_no_more_stays_and_is_the_person_s_again(database: Database, anna: int) -> None:
    ((field_id, _),) = said(database, anna).items()
    fill(database, anna)
    assert said(database, anna) == {field_id: (THEIRS, None)}
    set_field(database, anna, field_id, OWN, "office-phone")
    assert said(database, anna)[field_id][0] == OWN
