"""Importing: every contact of a file that can be read arrives once, and what cannot be is named."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest

from sync.accounts.rate_limits import Limit
from sync.contacts import importing
from sync.contacts.importing import Imported, import_contacts
from sync.database import pacing
from sync.database.engine import Database, Session
from sync.errors import InvalidVCard, LimitExceeded, TooManyTries
from sync.settings import Limits, Settings
from sync.vcard import parse_one, split
from tests.support.factories import connected, contents, delete, field, person, put, values_in, vcard

ONE = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Dora\r\nN:;Dora;;;\r\nTEL:+86 138 0013 8111\r\nEND:VCARD\r\n"
OLD = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=E7=8E=8B;=E8=8A=B3;;;\r\n"
    b"TEL;CELL:13800138222\r\nEND:VCARD\r\n"
)


def texts(database: Database, viewer_id: int) -> list[str]:
    """Return the texts of a person's private entries."""
    return [entry.text for entry in contents(database, viewer_id) if entry.kind == "private"]


def counted(result: Imported) -> tuple[int, int, int]:
    return result.added, result.known, len(result.left_out)


def test_contacts_of_any_version_arrive(database: Database) -> None:
    anna = person(database, "anna")
    new = ONE.replace(b"3.0", b"4.0").replace(b"Dora", b"Emil")
    assert counted(import_contacts(database, anna, ONE + OLD + new)) == (3, 0, 0)
    names = {name for text in texts(database, anna) for name in values_in(text, "FN")}
    assert names == {"Dora", "Emil", "王芳"}
    for text in texts(database, anna):
        card = parse_one(text)
        assert card.version == "3.0"
        assert card.uid
        assert card.first("N") is not None


def test_the_same_file_twice_makes_no_doubles(database: Database) -> None:
    anna = person(database, "anna")
    named = vcard("its-own-uid", "TEL:+1 555 0100")
    assert counted(import_contacts(database, anna, ONE + OLD + named)) == (3, 0, 0)
    assert counted(import_contacts(database, anna, named + ONE + OLD + ONE)) == (0, 4, 0)
    assert len(texts(database, anna)) == 3


def test_what_was_changed_here_is_not_overwritten_and_what_was_deleted_comes_again(database: Database) -> None:
    anna = person(database, "anna")
    import_contacts(database, anna, ONE)
    (entry,) = [entry for entry in contents(database, anna) if entry.kind == "private"]
    put(database, anna, entry.href, entry.text.replace("8111", "8999").encode())
    assert counted(import_contacts(database, anna, ONE)) == (0, 1, 0)
    assert "8999" in texts(database, anna)[0]
    delete(database, anna, entry.href)
    assert counted(import_contacts(database, anna, ONE)) == (1, 0, 0)


def test_cards_that_came_from_here_are_known(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    field(database, bo)
    exported = "".join(entry.text for entry in contents(database, anna)).encode()
    assert counted(import_contacts(database, anna, exported)) == (0, 2, 0)


def test_two_people_with_one_uid_are_two(database: Database) -> None:
    anna = person(database, "anna")
    both = vcard("same", name="Dora") + vcard("same", name="Emil")
    assert counted(import_contacts(database, anna, both)) == (2, 0, 0)
    assert counted(import_contacts(database, anna, both)) == (0, 2, 0)


def test_bad_cards_are_named_and_good_ones_kept(database: Database) -> None:
    anna = person(database, "anna")
    unended = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Unended\r\n"
    broken = b"BEGIN:VCARD\r\nVERSION:5.0\r\nFN:Broken\r\nEND:VCARD\r\n"
    nobody = b"BEGIN:VCARD\r\nVERSION:3.0\r\nNOTE:\r\nEND:VCARD\r\n"
    result = import_contacts(database, anna, b"chatter\r\n" + unended + broken + ONE + nobody + OLD)
    assert counted(result) == (2, 0, 3)
    assert [(each.number, each.name) for each in result.left_out[:2]] == [(1, "Unended"), (2, "Broken")]
    assert [each.number for each in result.left_out[2:]] == [4]
    assert all(str(each.error) for each in result.left_out)


def test_a_bad_line_costs_that_line_and_is_named(database: Database) -> None:
    anna = person(database, "anna")
    flawed = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Kay\r\nNOTE:first\r\nno colon\r\nTEL:1\r\nEND:VCARD\r\n"
    result = import_contacts(database, anna, ONE + flawed)
    assert counted(result) == (2, 0, 0)
    assert [(each.number, each.name) for each in result.flawed] == [(2, "Kay")]
    assert "line 5" in str(result.flawed[0].error)
    assert ["first", "1"] in [values_in(text, "NOTE", "TEL") for text in texts(database, anna)]


def test_who_has_nothing_that_could_be_a_name_comes_all_the_same(database: Database) -> None:
    anna = person(database, "anna")
    import_contacts(database, anna, b"BEGIN:VCARD\nVERSION:3.0\nNOTE:nothing else\nEND:VCARD\n")
    assert values_in(texts(database, anna)[0], "FN", "NOTE") == ["Unnamed", "nothing else"]


def test_a_card_without_a_name_is_called_by_what_it_has(database: Database) -> None:
    anna = person(database, "anna")
    import_contacts(database, anna, b"BEGIN:VCARD\nVERSION:3.0\nTEL:+1 555 0100\nEND:VCARD\n")
    assert values_in(texts(database, anna)[0], "FN", "TEL") == ["+1 555 0100", "+1 555 0100"]


def test_a_contact_whose_picture_is_too_large_comes_without_it(database: Database) -> None:
    anna = person(database, "anna")
    photo = "PHOTO;ENCODING=b;TYPE=JPEG:" + "A" * 300_000
    result = import_contacts(database, anna, vcard("one", photo, "TEL:+1 555 0100"))
    assert (result.added, result.without_photo, result.left_out) == (1, 1, [])
    assert values_in(texts(database, anna)[0], "PHOTO", "TEL") == ["+1 555 0100"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_files_of_any_unicode_are_read(database: Database, encoding: str) -> None:
    anna = person(database, "anna")
    assert counted(import_contacts(database, anna, ONE.decode().encode(encoding))) == (1, 0, 0)


def test_an_agent_is_no_contact_of_its_own() -> None:
    inner = b"BEGIN:VCARD\nVERSION:2.1\nN:Agent\nEND:VCARD\n"
    outer = b"BEGIN:VCARD\nVERSION:2.1\nN:Boss\nAGENT:\n" + inner + b"END:VCARD\n"
    assert list(split(outer + inner)) == [outer, inner]


@pytest.mark.parametrize("data", [b"", b"nonsense", b"END:VCARD\n", b"\xff\xfe", b"\0" * 100])
def test_a_file_without_a_card_is_refused(database: Database, data: bytes) -> None:
    anna = person(database, "anna")
    with pytest.raises(InvalidVCard, match="no vCard"):
        import_contacts(database, anna, data)


def test_no_file_brings_more_than_there_is_room_for(database_url: str) -> None:
    database = Database(database_url, Settings(limits=Limits(private_entries=2)))
    anna = person(database, "anna")
    result = import_contacts(database, anna, b"".join(vcard(f"u{number}", name=f"P{number}") for number in range(4)))
    assert counted(result) == (2, 0, 2)
    assert isinstance(result.left_out[0].error, LimitExceeded)
    database.dispose()


def test_there_are_so_many_cards_and_files_and_no_more(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    anna = person(database, "anna")
    monkeypatch.setattr(importing, "MOST", 1)
    monkeypatch.setattr(importing, "FILES", Limit("import contacts", 2, 3600))
    with pytest.raises(LimitExceeded, match="at most 1 cards"):
        import_contacts(database, anna, ONE + OLD)
    import_contacts(database, anna, ONE)
    with pytest.raises(TooManyTries):
        import_contacts(database, anna, ONE)


def many(count: int) -> bytes:
    return b"".join(vcard(f"u{number}", f"TEL:+1 555 {number:04}", name=f"P{number}") for number in range(count))


def test_others_write_between_the_parts_of_an_import(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part ends with the first card after its time, whatever is left of the file; what it wrote is there for all."""
    anna = person(database, "anna")
    clock, parts, store = itertools.count(), list[int](), importing._store
    monkeypatch.setattr(importing, "time", SimpleNamespace(monotonic=lambda: next(clock) * pacing.HOLD * 0.4))

    def part(session: Session, **given: Any) -> tuple[Imported, int]:
        # What another connection sees is what is committed.
        parts.append(len(texts(database, anna)))
        return store(session, **given)

    monkeypatch.setattr(importing, "_store", part)
    assert counted(import_contacts(database, anna, many(12))) == (12, 0, 0)
    assert parts == [0, 3, 6, 9]


def test_an_import_that_was_interrupted_goes_on(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was stored before stays, and the same file again adds what is missing."""
    anna = person(database, "anna")
    monkeypatch.setattr(importing, "_BATCH", 5)

    def interrupt(done: int, _all: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_contacts(database, anna, many(23), interrupt)
    assert len(texts(database, anna)) == 10
    told: list[tuple[int, int]] = []
    assert counted(import_contacts(database, anna, many(23), lambda *done: told.append(done))) == (13, 10, 0)
    assert told == [(5, 23), (10, 23), (15, 23), (20, 23), (23, 23)]


def test_an_import_ends_with_its_time_and_says_what_is_left(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is begun is done, and the same file again goes on."""
    anna = person(database, "anna")
    monkeypatch.setattr(importing, "_BATCH", 5)
    first = import_contacts(database, anna, many(12), seconds=0)
    assert (first.added, first.rest) == (5, 7)
    again = import_contacts(database, anna, many(12), seconds=3600)
    assert (again.added, again.known, again.rest) == (7, 5, 0)
