"""Cards: one text for all viewers who may see the same, with what was granted and nothing else."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pytest
import vobject
from PIL import Image
from sqlalchemy import select, update

from sync import fields, verification
from sync.database.engine import Database, Session
from sync.fields import CATALOGUE, FieldContent, property_from_line
from sync.models import Audience, Card, Connection
from sync.profiles import profiles
from sync.sharing import cards, changes, connections, grants, groups, visibility
from tests.support.factories import (
    MOBILE,
    book,
    connected,
    content,
    crowd,
    field,
    group,
    person,
    revisions,
    seen,
    served,
    set_field,
    strangers,
    values_in,
)


def rows(database: Database, owner_id: int) -> dict[int, tuple[str, int]]:
    """Return the hash and the time of each of an owner's cards that is for others."""
    with database.reading() as session:
        others = (Audience.owner_id == Card.owner_id) & (Audience.id == Card.id)
        chosen = select(Card).join(Audience, others).where(Card.owner_id == owner_id, Audience.kind == cards.VIEWERS)
        return {card.id: (card.digest, card.changed_at) for card in session.scalars(chosen)}


def test_all_viewers_who_may_see_the_same_share_one_card(database: Database) -> None:
    anna = person(database)
    family = group(database, anna, "family", granted=[field(database, anna)])
    viewers = crowd(database, anna, 50, [family])
    assert len(rows(database, anna)) == 1
    assert seen(database, viewers[0], anna) == seen(database, viewers[-1], anna) == {MOBILE}
    others = crowd(database, anna, 50)
    assert len(rows(database, anna)) == 2
    assert seen(database, others[0], anna) == set()


def test_a_card_that_nobody_has_is_dropped(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    family = group(database, anna, "family", [bert])
    chess = group(database, anna, "chess")
    for change in (
        lambda session: groups.add_member(session, anna, chess, bert),
        lambda session: groups.remove_member(session, anna, family, bert),
        lambda session: groups.remove(session, anna, chess),
    ):
        database.write(change)
        with database.reading() as session:
            used = session.scalars(select(Connection.audience_id).where(Connection.owner_id == anna)).all()
            kept = select(Audience.id).where(Audience.owner_id == anna, Audience.kind == cards.VIEWERS)
            assert session.scalars(kept).all() == used
        assert list(rows(database, anna)) == used


def test_audiences_that_became_the_same_serve_the_same(database: Database) -> None:
    """Deleting a group moves nobody; whoever is sorted anew meets the others."""
    anna, bert, carl = connected(database, "anna", "bert", "carl")
    phone = field(database, anna)
    family = group(database, anna, "family", [bert, carl], [phone])
    chess = group(database, anna, "chess", [carl])
    database.write(lambda session: groups.remove(session, anna, chess))
    before = revisions(database, [bert, carl])
    assert seen(database, bert, anna) == seen(database, carl, anna) == {MOBILE}
    for viewer in (carl, bert):
        for change in (groups.remove_member, groups.add_member):
            database.write(lambda session, change=change, viewer=viewer: change(session, anna, family, viewer))  # type: ignore[misc]
    assert len(rows(database, anna)) == 1
    assert revisions(database, [bert, carl]) == {viewer: revision + 2 for viewer, revision in before.items()}


def test_a_card_whose_text_stays_the_same_is_not_touched(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    phone = field(database, anna)
    hidden = field(database, anna, "email", "a@example.org")
    family = group(database, anna, "family", [bert], [phone])
    before = rows(database, anna), served(database, bert, anna), revisions(database, [bert])
    set_field(database, anna, hidden, "b@example.org", "email")
    database.write(lambda session: grants.grant(session, anna, strangers(database, anna), [phone]))
    database.write(lambda session: grants.take_back(session, anna, family, [phone]))
    database.write(lambda session: profiles.remove_field(session, anna, hidden))
    assert (rows(database, anna), served(database, bert, anna), revisions(database, [bert])) == before


def test_a_card_tells_nothing_about_the_fields_that_are_not_on_it(database: Database) -> None:
    """But for UID and REV, cards are equal whether or not there are hidden fields around the visible ones."""
    texts = set()
    for hidden in (False, True):
        login = "anna" if hidden else "bert"
        owner, viewer = connected(database, login, f"viewer-of-{login}")
        granted = [field(database, owner, "name", "The Name")]
        for kind, text in (("qq", "10001234"), ("mobile", MOBILE), ("msn", "m@example.org")):
            if hidden:
                field(database, owner, "bank-account", f"6222 {kind}")
                field(database, owner, "wechat", f"we_{kind}")
            granted.append(field(database, owner, kind, text, "My own label"))
        group(database, owner, "family", [viewer], granted)
        for version in ("3.0", "4.0"):
            entry = served(database, viewer, owner, version)
            assert entry is not None
            texts.add(
                (version, "".join(line for line in entry.text.splitlines(True) if line[:3] not in ("UID", "REV")))
            )
    assert len(texts) == 2


def test_a_card_has_exactly_the_granted_fields_of_every_kind(database: Database) -> None:
    """Half of a profile with a field of each kind is granted; the other half leaves no trace in either version."""
    owner, viewer = connected(database, "anna", "bert")
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "JPEG")
    ids = {}
    for kind, described in CATALOGUE.items():
        if kind == "photo":
            made = fields.field_from_photo(picture.getvalue())
            ids[kind] = database.write(lambda session, made=made: profiles.add_field(session, owner, made))  # type: ignore[misc]
        else:
            ids[kind] = field(database, owner, kind, described.example)
    for half in (list(CATALOGUE)[::2], list(CATALOGUE)[1::2]):
        chess = group(database, owner, "chess", [viewer], [ids[kind] for kind in half])
        with database.reading() as session:
            granted = {item.id: cards.content_of(item) for item in visibility.fields_of(session, owner)}
        for version in ("3.0", "4.0"):
            entry = served(database, viewer, owner, version)
            assert entry is not None
            body = fields.render([granted[ids[kind]] for kind in half], version, fallback_name="anna")
            assert entry.text.endswith(body)
            assert entry.text.removesuffix(body).count("\r\n") == 4
            assert vobject.readOne(entry.text).fn.value
        database.write(lambda session, chess=chess: groups.remove(session, owner, chess))  # type: ignore[misc]


def test_media_that_would_be_fetched_from_elsewhere_stay_with_their_owner(database: Database) -> None:
    owner, viewer = connected(database, "anna", "bert")
    remote = property_from_line("PHOTO;VALUE=uri:https://tracker.example/anna.jpg")
    photo = database.write(lambda session: profiles.add_field(session, owner, remote))
    group(database, owner, "family", [viewer], [photo])
    assert seen(database, viewer, owner) == set()
    own = served(database, owner, owner)
    assert own is not None
    assert values_in(own.text, "PHOTO") == ["https://tracker.example/anna.jpg"]


def test_a_name_that_was_not_granted_is_the_nickname_else_the_login(database: Database) -> None:
    anna, bert = connected(database, "anna", "bert")
    name = field(database, anna, "name", "Anna Li")
    nick = field(database, anna, "nickname", "Nan")
    family = group(database, anna, "family", [bert])

    def called() -> list[str]:
        entry = served(database, bert, anna)
        assert entry is not None
        return values_in(entry.text, "FN")

    assert called() == ["anna"]
    for field_id, expected in ((nick, "Nan"), (name, "Anna Li")):
        database.write(lambda session, field_id=field_id: grants.grant(session, anna, family, [field_id]))  # type: ignore[misc]
        assert called() == [expected]


def test_a_card_is_rendered_once_for_all_who_see_the_same(database: Database) -> None:
    """Audiences of different groups that see the same fields have the same text."""
    anna = person(database)
    phone = field(database, anna)
    made = [group(database, anna, name, granted=[phone]) for name in ("one", "two", "three")]
    for group_id in made:
        crowd(database, anna, 3, [group_id])
    assert len(rows(database, anna)) == 3
    assert len({digest for digest, _ in rows(database, anna).values()}) == 1


def test_cards_are_written_anew_and_carried_where_they_differ(database: Database) -> None:
    """A release may write cards in another way; devices get what differs, and nothing where nothing does."""
    anna, bo, carl = connected(database, "anna", "bo", "carl")
    mobile = field(database, anna)
    group(database, anna, "Friends", [bo], [mobile])
    before = {viewer: book(database, viewer).revision for viewer in (bo, carl)}
    database.write(lambda session: changes.render_anew(session, anna))
    assert {viewer: book(database, viewer).revision for viewer in (bo, carl)} == before
    with database.reading() as session:
        card_id = session.scalars(
            select(Connection.audience_id).where(Connection.owner_id == anna, Connection.viewer_id == bo)
        ).one()
    older = update(Card).where(Card.owner_id == anna, Card.id == card_id).values(digest="older", body_3="older")
    database.write(lambda session: session.execute(older))
    database.write(lambda session: changes.render_anew(session, anna))
    assert book(database, bo).revision == before[bo] + 1
    assert book(database, carl).revision == before[carl]
    with database.reading() as session:
        assert [str(finding) for finding in verification.findings(session)] == []


def many_audiences(database: Database) -> tuple[int, list[int], list[int]]:
    """Make somebody with 50 groups, each with a field and a viewer of its own, and return owner, groups and viewers."""
    anna = person(database)
    own = [field(database, anna, "email", f"a{number}@example.org") for number in range(50)]
    made = [group(database, anna, f"group {number}", granted=[field_id]) for number, field_id in enumerate(own)]
    return anna, own, [crowd(database, anna, 1, [group_id])[0] for group_id in made]


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by the login of the owner with each card that is rendered."""
    found: list[str] = []
    render = cards.render

    def counted(contents: Sequence[FieldContent], login: str, *, own: bool = False) -> cards.Rendering:
        found.append(login)
        return render(contents, login, own=own)

    monkeypatch.setattr(cards, "render", counted)
    return found


def test_only_cards_that_a_change_can_alter_are_rendered(database: Database, rendered: list[str]) -> None:
    """Of 51 cards: none for whoever hides theirs, their owner's for what nobody sees, and one more for each viewer."""
    anna, own, viewers = many_audiences(database)
    hidden = field(database, anna, "note", "seen by nobody")
    renderings: dict[str, int] = {}

    def count(what: str, change: Callable[[Session], object]) -> None:
        rendered.clear()
        database.write(change)
        renderings[what] = len(rendered)

    count("another value of what nobody sees", lambda s: profiles.set_field(s, anna, hidden, content("note", "still")))
    count("the same value", lambda s: profiles.set_field(s, anna, hidden, content("note", "still")))
    count("hidden by a viewer", lambda s: connections.hide(s, viewers[0], anna))
    count("shown again", lambda s: connections.show(s, viewers[0], anna))
    count("withheld from one", lambda s: grants.except_person(s, anna, viewers[1], [own[1]], allowed=False))
    count("withheld what they did not see", lambda s: grants.except_person(s, anna, viewers[2], [own[9]], allowed=None))
    count("seen by one", lambda s: profiles.set_field(s, anna, own[3], content("email", "b@example.org")))
    count("a new group", lambda s: groups.create(s, anna, "another"))
    count("what is granted already", lambda s: grants.grant(s, anna, groups.find(s, anna, "group 4").id, [own[4]]))
    count("granted to one", lambda s: grants.grant(s, anna, groups.find(s, anna, "group 5").id, [hidden]))
    count("a group that goes", lambda s: groups.remove(s, anna, groups.find(s, anna, "group 6").id))
    count("a field that goes", lambda s: profiles.remove_field(s, anna, own[7]))
    assert renderings == {
        "another value of what nobody sees": 1,
        "the same value": 0,
        "hidden by a viewer": 0,
        "shown again": 0,
        "withheld from one": 1,
        "withheld what they did not see": 0,
        "seen by one": 2,
        "a new group": 0,
        "what is granted already": 0,
        "granted to one": 1,
        "a group that goes": 1,
        "a field that goes": 2,
    }


def test_cards_that_a_change_cannot_alter_are_not_written(database: Database) -> None:
    anna, own, viewers = many_audiences(database)
    before = rows(database, anna)
    told = revisions(database, viewers)
    set_field(database, anna, own[0], "b@example.org", "email")
    after = rows(database, anna)
    assert len([card_id for card_id in before if before[card_id] != after[card_id]]) == 1
    assert sum(revisions(database, viewers).values()) == sum(told.values()) + 1
