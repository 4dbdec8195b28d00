"""Own contacts that are there twice: proposed, made one by choice, undone, and a no that is remembered."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from sync import verification
from sync.books import restoring
from sync.contacts import apart, duplicates, editing, linking, proposing
from sync.contacts.proposing import Proposal
from sync.database.engine import Database
from sync.errors import Conflict, InvalidInput, NotFound
from sync.fields import field_from_text
from sync.models import Entry, LinkedEntry, MergedEntry
from sync.revisions import versions
from sync.settings import Settings
from tests.support.clock import StoppedClock
from tests.support.factories import MOBILE, book, connected, contents, person, put, vcard
from tests.support.meeting import show_strangers


def keep(database: Database, viewer_id: int, name: str, *lines: str, called: str = "") -> int:
    put(database, viewer_id, f"{name}.vcf", vcard(name, *lines, name=called or name))
    with database.reading() as session:
        return session.scalars(select(Entry.id).where(Entry.viewer_id == viewer_id, Entry.href == f"{name}.vcf")).one()


def proposed(database: Database, viewer_id: int) -> list[Proposal]:
    with database.reading() as session:
        return proposing.proposals(session, viewer_id)


def texts(database: Database, viewer_id: int) -> dict[str, str]:
    return {entry.href: entry.text for entry in contents(database, viewer_id)}


def merge(database: Database, viewer_id: int, kept: int, gone: int) -> None:
    database.write(lambda session: duplicates.merge(session, viewer_id, kept, gone))


def undo(database: Database, viewer_id: int, gone: int) -> None:
    database.write(lambda session: duplicates.undo(session, viewer_id, gone))


@pytest.fixture
def anna(database: Database) -> int:
    """Anna."""
    return person(database, "anna")


def test_contacts_are_proposed_by_number_address_and_name_however_they_are_written(
    database: Database, anna: int
) -> None:
    one = keep(database, anna, "Mei Chen", "TEL:+86 138 0013 8000", "EMAIL:Mei@Example.org")
    keep(database, anna, "other", "TEL:+8613800138000", "EMAIL:mei@example.org", called="Mum")
    keep(database, anna, "third", "NOTE:x", called="Chen, MEI")
    keep(database, anna, "fourth", "TEL:+1 555 0100", called="Dora")
    found = proposed(database, anna)
    assert {frozenset((each.one, each.other)) for each in found} == {
        frozenset(("Mei Chen", "Mum")),
        frozenset(("Mei Chen", "Chen, MEI")),
    }
    assert [len(each.because) for each in found] == [2, 0]
    assert set(found[0].because) == {"+8613800138000", "mei@example.org"}
    assert one in (found[1].one_id, found[1].other_id)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("王小明", "Wang Xiaoming"),
        ("王小明", "Xiao Ming Wang"),
        ("欧阳修", "Ouyang Xiu"),
        ("欧阳修", "Xiu Ou Yang"),
        ("吕布", "Lü Bu"),
        ("吕布", "Lv Bu"),
        ("曾毅", "zeng yi"),
    ],
)
def test_a_name_in_characters_and_how_it_is_said_are_proposed(
    database: Database, anna: int, one: str, other: str
) -> None:
    keep(database, anna, "one", called=one)
    keep(database, anna, "other", called=other)
    (found,) = proposed(database, anna)
    assert ({found.one, found.other}, found.because, found.is_said_alike) == ({one, other}, (), True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("王小明", "Wang Xiaomin"),
        ("王小明", "Wang Ming"),
        ("王小明", "汪晓明"),
        ("王芳", "Fan Gwang"),
        ("王芳", "Wangfang"),
        ("西安", "Xi An Jiao"),
        ("方明", "Fan Gming"),
        ("李", "Li"),
        ("王芳", "Wang Fang 2"),
        ("Mei Chen", "Chen Meili"),
    ],
)
def test_who_is_only_said_like_somebody_in_part_is_not_proposed(
    database: Database, anna: int, one: str, other: str
) -> None:
    keep(database, anna, "one", called=one)
    keep(database, anna, "other", called=other)
    assert proposed(database, anna) == []


def test_another_sign_that_agrees_is_said_before_the_sound_and_a_no_holds_for_both(
    database: Database, anna: int
) -> None:
    one = keep(database, anna, "one", f"TEL:{MOBILE}", called="王小明")
    other = keep(database, anna, "other", f"TEL:{MOBILE}", called="Wang Xiaoming")
    (found,) = proposed(database, anna)
    assert (len(found.because), found.is_said_alike) == (1, False)
    database.write(lambda session: apart.keep(session, anna, one, other))
    assert proposed(database, anna) == []


def test_a_sound_that_many_names_have_says_nothing(database: Database, anna: int) -> None:
    for number, name in enumerate(("王伟", "王威", "王薇", "汪伟", "Wang Wei")):
        keep(database, anna, f"n{number}", called=name)
    assert proposed(database, anna) == []


def test_a_switchboard_a_first_name_and_a_list_say_nothing(database: Database, anna: int) -> None:
    for number in range(proposing.MOST_IN_COMMON + 1):
        keep(database, anna, f"Colleague {number}", "TEL:+1 555 0100")
    for number in range(2):
        keep(database, anna, f"mum{number}", called="Mum")
        keep(database, anna, f"list{number}", "X-ADDRESSBOOKSERVER-KIND:group", called="Old friends")
    assert proposed(database, anna) == []


def test_one_contact_many_times_over_is_proposed_and_no_colleague(database: Database, anna: int) -> None:
    """As it is where phones and programs each brought their own copy, and the number is a firm's."""
    count = proposing.MOST_IN_COMMON + 2
    copies = [keep(database, anna, f"copy{number}", "TEL:+1 555 0100", called="John Doe") for number in range(count)]
    for number in range(proposing.MOST_IN_COMMON):
        keep(database, anna, f"Colleague {number}", "TEL:+1 555 0100")
    first, *others = sorted(copies)
    assert {(each.one_id, each.other_id) for each in proposed(database, anna)} == {(first, other) for other in others}
    for other in others:
        merge(database, anna, first, other)
    assert proposed(database, anna) == []


def test_a_number_of_nobody_knows_which_country_is_compared_as_it_is_written(database: Database, anna: int) -> None:
    keep(database, anna, "office", "TEL:(905) 555-1234", called="John Doe")
    keep(database, anna, "home", "TEL:905 555 1234", "TEL:110", called="Johnny")
    keep(database, anna, "police", "TEL:110", called="Police")
    (found,) = proposed(database, anna)
    assert ({found.one, found.other}, found.because) == ({"John Doe", "Johnny"}, ("9055551234",))


def test_a_no_is_remembered_until_it_is_taken_back(database: Database, anna: int) -> None:
    one, other = (keep(database, anna, name, f"TEL:{MOBILE}") for name in ("one", "two"))
    database.write(lambda session: apart.keep(session, anna, other, one))
    database.write(lambda session: apart.keep(session, anna, one, other))
    assert proposed(database, anna) == []
    assert database.write(lambda session: apart.forget(session, anna)) == 1
    assert len(proposed(database, anna)) == 1


def test_a_no_about_a_connection_s_card_is_remembered_as_well(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    show_strangers(database, bo, "mobile", MOBILE)
    entry_id = keep(database, anna, "Berti", f"TEL:{MOBILE}")
    with database.reading() as session:
        assert [each.entry_id for each in linking.suggestions(session, anna)] == [entry_id]
    database.write(lambda session: apart.keep(session, anna, entry_id, bo))
    with database.reading() as session:
        assert linking.suggestions(session, anna) == []
    for pair in ((entry_id, 1), (entry_id, entry_id)):
        with pytest.raises(NotFound):
            database.write(lambda session, it=pair: apart.keep(session, anna, *it))  # type: ignore[misc]


def test_two_become_one_on_devices_and_two_again(database: Database, anna: int) -> None:
    one = keep(database, anna, "one", f"TEL:{MOBILE}", "NOTE:Hello")
    other = keep(database, anna, "two", f"TEL:{MOBILE}", "EMAIL:a@example.org")
    before, revision = texts(database, anna), book(database, anna).revision
    merge(database, anna, one, other)
    after = texts(database, anna)
    assert "two.vcf" not in after
    assert "a@example.org" in after["one.vcf"]
    assert book(database, anna).revision > revision
    with database.reading() as session:
        (merged,) = duplicates.merges_of(session, anna)
    assert (merged.gone_id, merged.kept_id, merged.gone, merged.kept) == (other, one, "two", "one")
    undo(database, anna, other)
    assert texts(database, anna) == before
    with pytest.raises(NotFound):
        undo(database, anna, other)
    with database.reading() as session:
        assert list(verification.findings(session)) == []


def test_what_was_changed_since_stays_when_two_are_taken_apart(database: Database, anna: int) -> None:
    one = keep(database, anna, "one", f"TEL:{MOBILE}")
    other = keep(database, anna, "two", f"TEL:{MOBILE}", "EMAIL:a@example.org")
    merge(database, anna, one, other)
    database.write(lambda session: editing.add_field(session, anna, one, field_from_text("note", "New", "")))
    undo(database, anna, other)
    now = texts(database, anna)
    assert "New" in now["one.vcf"]
    assert "a@example.org" not in now["one.vcf"]
    assert "a@example.org" in now["two.vcf"]


def test_a_contact_that_was_deleted_or_brought_back_since_is_there_after_the_undoing(
    database: Database, anna: int
) -> None:
    one, other = keep(database, anna, "one", f"TEL:{MOBILE}"), keep(database, anna, "two", "NOTE:x")
    merge(database, anna, one, other)
    with database.reading() as session:
        (kept,) = [found for entry, found in versions.of_person(session, anna) if entry.id == other]
        revision = kept.revision
    database.write(lambda session: restoring.bring_back(session, anna, other, revision))
    put(database, anna, "two.vcf", vcard("two", "NOTE:y", name="two"))
    undo(database, anna, other)
    assert "NOTE:y" in texts(database, anna)["two.vcf"]


def test_merges_are_undone_from_the_last(database: Database, anna: int) -> None:
    one, two, three = (keep(database, anna, name, f"NOTE:{name}") for name in ("one", "two", "three"))
    merge(database, anna, two, three)
    merge(database, anna, one, two)
    with pytest.raises(Conflict):
        undo(database, anna, three)
    undo(database, anna, two)
    undo(database, anna, three)
    assert {"one.vcf", "two.vcf", "three.vcf"} <= texts(database, anna).keys()
    assert "three" not in texts(database, anna)["two.vcf"]


def test_after_thirty_days_a_merge_stays(database: Database, anna: int) -> None:
    one, other, third = (keep(database, anna, name, "NOTE:x") for name in ("one", "two", "three"))
    merge(database, anna, one, other)
    database.write(
        lambda session: session.execute(update(MergedEntry).values(merged_at=MergedEntry.merged_at - 2592001))
    )
    with pytest.raises(NotFound):
        undo(database, anna, other)
    merge(database, anna, one, third)
    with database.reading() as session:
        assert session.scalars(select(MergedEntry.gone_id)).all() == [third]


def test_what_cannot_be_undone_any_more_is_forgotten_of_everybody(
    database: Database, anna: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, bo = StoppedClock(monkeypatch), person(database, "bo")
    pairs = {each: [keep(database, each, name, "NOTE:x") for name in ("one", "two")] for each in (anna, bo)}
    merge(database, anna, *pairs[anna])
    clock.put(clock.now() + 1)
    merge(database, bo, *pairs[bo])
    clock.put(clock.now() + duplicates.UNDONE_FOR)
    assert database.write(duplicates.purge) == 1
    with database.reading() as session:
        assert session.scalars(select(MergedEntry.gone_id)).all() == [pairs[bo][1]]
    undo(database, bo, pairs[bo][1])
    clock.put(clock.now() + 1)
    assert database.write(duplicates.purge) == 0


def test_only_so_many_merges_are_remembered(database: Database, anna: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "MOST_UNDONE", 2)
    one, *others = (keep(database, anna, name, "NOTE:x") for name in ("one", "two", "three", "four"))
    for other in others:
        merge(database, anna, one, other)
    with database.reading() as session:
        assert len(duplicates.merges_of(session, anna)) == 2


def test_what_was_changed_since_it_was_looked_at_is_not_merged(database: Database, anna: int) -> None:
    one, other = (keep(database, anna, name, f"TEL:{MOBILE}") for name in ("one", "two"))
    with database.reading() as session:
        compared = duplicates.compare(session, anna, one, other)
    assert compared.merged.startswith(compared.one.removesuffix("END:VCARD\r\n"))
    put(database, anna, "two.vcf", vcard("two", "NOTE:new", name="two"))
    with pytest.raises(Conflict):
        database.write(lambda session: duplicates.merge(session, anna, one, other, compared.seen))
    with pytest.raises(InvalidInput):
        merge(database, anna, one, one)


def test_nobody_s_card_and_nobody_else_s_contact_is_merged(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    mine, theirs = keep(database, anna, "mine"), keep(database, bo, "theirs")
    for pair in ((mine, theirs), (theirs, mine), (mine, bo), (bo, mine), (mine, anna)):
        with pytest.raises(NotFound):
            merge(database, anna, *pair)
        with database.reading() as session, pytest.raises(NotFound):
            duplicates.compare(session, anna, *pair)


def test_what_is_one_with_a_card_is_taken_apart_first(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    show_strangers(database, bo, "mobile", MOBILE)
    one, other = keep(database, anna, "one", f"TEL:{MOBILE}"), keep(database, anna, "two", "NOTE:x")
    merge(database, anna, one, other)
    database.write(lambda session: linking.link(session, anna, one, bo))
    with pytest.raises(Conflict):
        undo(database, anna, other)
    database.write(lambda session: linking.unlink(session, anna, one))
    undo(database, anna, other)
    with database.reading() as session:
        assert session.scalars(select(LinkedEntry.entry_id)).all() == []


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        ("138 0013 8000", "+86 138 0013 8000"),
        ("+86 138 0013 8000", "138-0013-8000"),
        ("+86 10 5555 0100", "(010) 5555-0100"),
    ],
)
def test_the_number_by_which_a_contact_was_matched_is_there_once(database_url: str, shown: str, written: str) -> None:
    database = Database(database_url, Settings(phone_region="CN"))
    anna, bo = connected(database, "anna", "bo")
    show_strangers(database, bo, "mobile", shown)
    entry_id = keep(database, anna, "Berti", f"TEL:{written}")
    with database.reading() as session:
        assert [each.owner_id for each in linking.suggestions(session, anna)] == [bo]
    database.write(lambda session: linking.link(session, anna, entry_id, bo))
    (card,) = (text for text in texts(database, anna).values() if "Berti" in text)
    assert card.count("TEL") == 1
    database.dispose()
