"""Each picture is kept once for its owner, as long as something shows it, and nobody is served another by that."""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from sync import verification
from sync.database.engine import Database, Session
from sync.export import exporting
from sync.fields import FieldContent
from sync.models import Card, FieldState, Picture, now
from sync.pictures import keeping
from sync.profiles import edits, first_photo, profiles, renewing, taking_apart
from sync.profiles.first_photo import PHOTO
from sync.settings import Limits, Settings
from sync.sharing import cards, grants, history, visibility
from sync.sign_in import deletion
from sync.vcard import Property
from tests.support import kept_whole
from tests.support.clock import DAY, StoppedClock
from tests.support.databases import opened
from tests.support.factories import (
    connect,
    connected,
    contents,
    field,
    group,
    person,
    put,
    served,
    set_field,
    values_in,
    vcard,
)
from tests.support.kept_whole import kept, named
from tests.support.pictures import portrait
from tests.support.statements import Interrupted, interrupted_after

FIRST, SECOND, THIRD = (portrait(number) for number in (1, 2, 3))


def name_of(picture: bytes) -> str:
    """Return under which name a picture is kept."""
    return hashlib.sha256(picture).hexdigest()


def photo(picture: bytes, version: str = "3.0") -> FieldContent:
    """Return the field that shows a picture."""
    data = base64.b64encode(picture).decode()
    if version == "4.0":
        return FieldContent(PHOTO, version, (Property("", "PHOTO", (), f"data:image/jpeg;base64,{data}"),))
    return FieldContent(PHOTO, version, (Property("", "PHOTO", (("ENCODING", ("b",)), ("TYPE", ("JPEG",))), data),))


def with_photo(database: Database, owner_id: int, picture: bytes = FIRST) -> int:
    """Let a person's connections see a picture of them, and return the id of the field."""
    database.write(lambda session: first_photo.add(session, owner_id, photo(picture)))
    with database.reading() as session:
        return next(each.id for each in visibility.fields_of(session, owner_id) if each.kind == PHOTO)


def findings(database: Database) -> list[str]:
    """Return what verification finds."""
    with database.reading() as session:
        return [str(finding) for finding in verification.findings(session)]


def set_photo(database: Database, owner_id: int, field_id: int, picture: bytes) -> None:
    """Let a field show another picture."""
    database.write(lambda session: profiles.set_field(session, owner_id, field_id, photo(picture)))


def delete_field(database: Database, owner_id: int, field_id: int) -> None:
    """Delete a field."""
    database.write(lambda session: profiles.remove_field(session, owner_id, field_id))


def everything_of(database: Database, *viewers: int) -> list[object]:
    """Return all that devices of these people are served, in each version, and what histories and exports say."""
    found: list[object] = []
    for viewer in viewers:
        found += [contents(database, viewer, version) for version in ("3.0", "4.0")]
        with database.reading() as session:
            found += [history.fields_at(session, viewer, each.version) for each in history.states(session, viewer)]
            found += [exporting.contacts(session, viewer), edits.edits_of(session, viewer, count=100)]
    return found


def test_a_picture_is_kept_once_for_all_cards_and_states(database: Database) -> None:
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    shown = with_photo(database, anna)
    group(database, anna, "family", [bert], [field(database, anna)])
    # It stands somewhere else: one more state of the field says the same.
    field(database, anna, "note", "x")
    database.write(lambda session: profiles.move_field(session, anna, shown, 1))
    assert kept(database, anna) == [name_of(FIRST)]
    assert [each for each in named(database, anna) if each is not None] == [name_of(FIRST)] * 5
    with database.reading() as session:
        stored = session.scalars(select(Card.body_3).where(Card.owner_id == anna)).all()
        assert max(map(len, stored)) < 500
        for viewer in (anna, bert, carl):
            composition = visibility.composition_of(session, anna, viewer)
            for version in ("3.0", "4.0"):
                entry = served(database, viewer, anna, version)
                assert entry is not None
                every = visibility.fields_of(session, anna)
                fields = every if viewer == anna else visibility.visible_fields(session, anna, composition)
                rendered = cards.render([cards.content_of(each) for each in fields], "anna", own=viewer == anna)
                assert entry.text.endswith(rendered.body_4 if version == "4.0" else rendered.body_3)
    assert findings(database) == []


def test_two_people_with_one_picture_have_it_each(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    with_photo(database, anna)
    with_photo(database, bert)
    assert kept(database, anna) == kept(database, bert) == [name_of(FIRST)]
    database.write(lambda session: session.execute(delete(Picture).where(Picture.owner_id == bert)))
    entry = served(database, bert, anna)
    assert entry is not None
    assert values_in(entry.text, "PHOTO") == [base64.b64encode(FIRST).decode()]


def test_undoing_brings_a_picture_back(database: Database) -> None:
    anna = person(database, "anna")
    shown = with_photo(database, anna)
    with database.reading() as session:
        before = history.states(session, anna)[0].version
    set_photo(database, anna, shown, SECOND)
    assert kept(database, anna) == sorted([name_of(FIRST), name_of(SECOND)])
    delete_field(database, anna, shown)
    assert findings(database) == []
    database.write(lambda session: profiles.restore(session, anna, before))
    own = served(database, anna, anna)
    assert own is not None
    assert values_in(own.text, "PHOTO") == [base64.b64encode(FIRST).decode()]
    assert findings(database) == []


def test_a_picture_goes_with_the_last_that_needs_it(database_url: str) -> None:
    with opened(database_url, Settings(limits=Limits(profile_states_size=20_000, profile_states=6))) as database:
        anna = connected(database, "anna", "bert")[0]
        shown = with_photo(database, anna)
        mobile = field(database, anna)
        for number in range(40):
            set_photo(database, anna, shown, portrait(number))
            set_field(database, anna, mobile, f"+49 30 {number}")
            assert name_of(portrait(number)) in kept(database, anna)
        assert findings(database) == []
        assert 1 < len(kept(database, anna)) < 12


def test_who_leaves_takes_their_pictures_along(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    with_photo(database, anna)
    with_photo(database, bert, SECOND)
    deletion.leave(database, anna)
    assert kept(database, anna) == []
    assert kept(database, bert) == [name_of(SECOND)]
    assert findings(database) == []


def test_a_picture_that_is_missing_is_named_and_rendering_brings_it_back(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    shown = with_photo(database, anna)
    set_photo(database, anna, shown, SECOND)
    before = everything_of(database, bert)
    database.write(lambda session: session.execute(delete(Picture).where(Picture.digest == name_of(SECOND))))
    assert "anna: A picture of the card or of its past is missing; `evercard render` mends the card." in findings(
        database
    )
    database.write(lambda session: renewing.renew(session, anna))
    assert (findings(database), everything_of(database, bert)) == ([], before)


def test_a_picture_that_nothing_shows_or_that_is_another_is_named(database: Database) -> None:
    anna = person(database, "anna")
    with_photo(database, anna)
    other = Picture(owner_id=anna, digest=name_of(SECOND), data=base64.b64encode(SECOND).decode())
    database.write(lambda session: session.add(other))
    assert findings(database) == ["anna: A picture is kept that nothing shows."]
    wrong = update(Picture).where(Picture.digest == name_of(SECOND)).values(data=base64.b64encode(THIRD).decode())
    database.write(lambda session: session.execute(wrong))
    assert "anna: A picture is not the one that its name says." in findings(database)


def upgraded(database: Database) -> tuple[int, int]:
    """Let two people have what the version before wrote, and return their ids."""
    anna, bert = connected(database, "anna", "bert")
    shown = with_photo(database, anna)
    set_photo(database, anna, shown, SECOND)
    put(database, bert, "a.vcf", vcard())
    kept_whole.make_whole(database, now() + DAY)
    return anna, bert


def test_after_an_upgrade_pictures_are_taken_out_when_it_is_time_and_nobody_is_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(database_url) as database:
        anna, bert = upgraded(database)
    clock = StoppedClock(monkeypatch)
    with opened(database_url) as database:
        set_field(database, anna, field(database, anna), "+49 30 1")
        taking_apart.work(database)
        assert (kept(database, anna), set(named(database, anna))) == ([], {None})
        assert findings(database) == []
        before = everything_of(database, anna, bert)
        clock.put(clock.now() + 2 * DAY)
        taking_apart.work(database)
        assert kept(database, anna) == sorted([name_of(FIRST), name_of(SECOND)])
        assert (everything_of(database, anna, bert), findings(database)) == (before, [])
        with database.reading() as session:
            assert keeping.since_when(session) is None
            whole = select(FieldState.field_id).where(FieldState.kind == PHOTO, FieldState.picture.is_(None))
            assert session.scalars(whole).all() == []
        taking_apart.work(database)


def test_a_change_keeps_pictures_apart_as_soon_as_it_is_time(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = StoppedClock(monkeypatch)
    with opened(database_url) as database:
        anna, bert = upgraded(database)
    with opened(database_url) as database:
        mobile = field(database, anna)
        clock.put(clock.now() + 2 * DAY)
        before = contents(database, bert)
        set_field(database, anna, mobile, "+49 30 1")
        assert name_of(SECOND) in kept(database, anna)
        assert contents(database, bert) == before
        assert findings(database) == []


@pytest.mark.parametrize("count", range(1, 9))
def test_taking_pictures_out_is_done_by_whole_people_wherever_it_is_killed(
    database_url: str, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    with opened(database_url) as database:
        anna, bert = upgraded(database)
        kept_whole.put_off(database, 0)
    with opened(database_url) as database:
        before = everything_of(database, anna, bert)
        monkeypatch.setattr("sync.database.pacing.Pieces.write", lambda _, piece: database.write(piece))
        with interrupted_after(database.engine, count), pytest.raises(Interrupted):
            taking_apart.work(database)
        assert (everything_of(database, anna, bert), findings(database)) == (before, [])
        taking_apart.work(database)
        assert (everything_of(database, anna, bert), findings(database)) == (before, [])
        assert len(kept(database, anna)) == 2


#: What somebody does with their pictures and who sees them, by numbers that choose from what there is.
ACTS: dict[str, Callable[[Database, int, int, int], object]] = {
    "add": lambda database, anna, _group, number: database.write(
        lambda session: profiles.add_field(
            session, anna, photo((FIRST, SECOND, THIRD)[number % 3], "34"[number % 2] + ".0")
        )
    ),
    "change": lambda database, anna, _group, number: _on_photo(
        database, anna, number, lambda session, one: profiles.set_field(session, anna, one, photo(portrait(number)))
    ),
    "remove": lambda database, anna, _group, number: _on_photo(
        database, anna, number, lambda session, one: profiles.remove_field(session, anna, one)
    ),
    "grant": lambda database, anna, group_id, number: _on_photo(
        database, anna, number, lambda session, one: grants.grant(session, anna, group_id, [one])
    ),
    "take back": lambda database, anna, group_id, number: _on_photo(
        database, anna, number, lambda session, one: grants.take_back(session, anna, group_id, [one])
    ),
    "restore": lambda database, anna, _group, number: database.write(lambda session: _restore(session, anna, number)),
    "say": lambda database, anna, _group, number: field(database, anna, "note", f"x{number}"),
    "render": lambda database, anna, _group, _number: database.write(lambda session: renewing.renew(session, anna)),
}


def _on_photo(database: Database, anna: int, number: int, act: Callable[[Session, int], object]) -> None:
    def change(session: Session) -> None:
        photos = [each.id for each in visibility.fields_of(session, anna) if each.kind == PHOTO]
        if photos:
            act(session, photos[number % len(photos)])

    database.write(change)


def _restore(session: Session, anna: int, number: int) -> None:
    states = history.states(session, anna)
    if states:
        profiles.restore(session, anna, states[number % len(states)].version)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite_file: Path) -> Iterator[Database]:
    """Open a database whose people have a small history."""
    copy = shutil.copy(migrated_sqlite_file, tmp_path_factory.mktemp("narrow") / "evercard.sqlite")
    few = Limits(profile_states_size=30_000, profile_states=8)
    with opened(f"sqlite:///{copy}", Settings(limits=few)) as database:
        yield database


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.integers(0, 60)), min_size=3, max_size=25))
def test_whatever_somebody_does_what_is_shown_is_kept_and_nothing_else(
    narrow: Database, acts: list[tuple[str, int]]
) -> None:
    anna, bert = person(narrow), person(narrow)
    connect(narrow, anna, bert)
    group_id = group(narrow, anna, "family", [bert])
    for name, number in acts:
        ACTS[name](narrow, anna, group_id, number)
        with narrow.reading() as session:
            checked = verification.page(session, anna - 1, 1)
        assert checked is not None
        assert [str(each) for each in checked.findings] == []
        assert set(kept(narrow, anna)) == set(named(narrow, anna)) - {None}
