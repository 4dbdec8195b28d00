"""The daily news by e-mail: chosen on a page, ended by one click; nothing is in it that was looked at or is hidden."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import select, update

from sync.accounts import addresses
from sync.database.engine import Database, Session
from sync.digests import choices, rounds
from sync.digests.choices import Choice
from sync.fields import CATALOGUE, field_from_text
from sync.models import Account, Digest, now
from sync.notify import markup, outbox, templates
from sync.notify.outbox import Letter
from sync.profiles import profiles
from sync.queries import connected_people
from sync.sharing import connections, groups
from sync.sharing.cards import content_of
from sync.sharing.visibility import composition_of, fields_of, visible_fields
from tests.portal import walk
from tests.portal.conftest import Cast
from tests.portal.test_secrets import KINDS, hidden_from, hide, secret, spellings
from tests.support import forms
from tests.support.forms import Visitor
from tests.support.site import Site

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def anna(cast: Cast) -> int:
    """Anna."""
    return cast.ids[walk.WHO]


@pytest.fixture
def token(cast_site: Site, anna: int) -> str:
    """The secret of a digest that Anna got."""
    subscribe(cast_site.database, anna)
    return cast_site.database.write(lambda session: choices.signer(session)(anna))


def subscribe(database: Database, viewer_id: int) -> None:
    database.write(lambda session: addresses.add(session, viewer_id, "email", f"{viewer_id}@example.org"))
    database.write(lambda session: choices.want(session, viewer_id, 7, "Asia/Shanghai"))


def chosen(site: Site, viewer_id: int) -> Choice:
    with site.database.reading() as session:
        return choices.choice_of(session, viewer_id)


def sent(database: Database) -> list[Letter]:
    """Let it be everybody's hour, and return what is sent."""
    letters: list[Letter] = []
    due = update(Digest).where(Digest.viewer_id > 0).values(next_at=now() - 1)
    database.write(lambda session: session.execute(due))
    rounds.work(database)
    outbox.work(database, {"email": letters.append}, {rounds.TEMPLATE: rounds.compose})
    return [letter for letter in letters if "digest?token=" in (letter.unsubscribe or "")]


def test_nobody_has_it_who_did_not_choose_it(cast_site: Site, cast: Cast) -> None:
    assert {chosen(cast_site, each) for each in cast.ids.values()} == {Choice()}


def test_it_is_chosen_and_ended_on_a_page(cast_site: Site, anna: int) -> None:
    visitor = Visitor(cast_site).signed_in(anna)
    assert "/.web/settings/digest" in visitor.get("/settings/").response.text
    page = visitor.get("/settings/digest")
    assert "is_wanted" not in page.fields("/settings/digest")
    wanted = {"is_wanted": "y", "hour": "7", "time_zone": "Asia/Shanghai"}
    assert page.submit("/settings/digest", **wanted).followed().told == ["Saved. It holds from now on."]
    assert chosen(cast_site, anna) == Choice(is_wanted=True, hour=7, time_zone="Asia/Shanghai")
    shown = visitor.get("/settings/digest").fields("/settings/digest")
    assert (shown["is_wanted"], shown["hour"], shown["time_zone"]) == ("y", "7", "Asia/Shanghai")
    visitor.post("/settings/digest", {"hour": "7", "time_zone": "Asia/Shanghai"})
    assert not chosen(cast_site, anna).is_wanted


@pytest.mark.parametrize("nonsense", [{"hour": "24"}, {"hour": "x"}, {"time_zone": "Mars/Olympus"}, {"time_zone": ""}])
def test_what_is_no_hour_or_place_is_refused(cast_site: Site, anna: int, nonsense: dict[str, str]) -> None:
    wanted = {"is_wanted": "y", "hour": "7", "time_zone": "UTC"} | nonsense
    assert Visitor(cast_site).signed_in(anna).post("/settings/digest", wanted).status == 400
    assert not chosen(cast_site, anna).is_wanted


def test_the_page_says_what_is_missing(cast_site: Site, anna: int) -> None:
    def forget(session: Session) -> None:
        for channel, value in addresses.addresses_of(session, anna):
            addresses.remove(session, anna, channel, value)

    cast_site.database.write(forget)
    visitor = Visitor(cast_site).signed_in(anna)
    assert "you have none yet" in visitor.get("/settings/digest").text
    cast_site.database.write(lambda session: addresses.add(session, anna, "email", "anna@example.org"))
    assert "It goes to anna@example.org." in visitor.get("/settings/digest").text


def test_opening_the_link_changes_nothing_and_a_button_ends_it(cast_site: Site, anna: int, token: str) -> None:
    assert Visitor(cast_site).get(f"/digest?token={token}").status == 200
    page = Visitor(cast_site).get(f"/digest?token={token}")
    assert chosen(cast_site, anna).is_wanted
    assert page.submit("/digest").told == ["It is noted. Nothing more of this kind is sent to that address."]
    assert not chosen(cast_site, anna).is_wanted


@pytest.mark.parametrize("origin", [None, "null", "https://mail.example"])
def test_a_mail_program_ends_it_by_itself(cast_site: Site, anna: int, token: str, origin: str | None) -> None:
    """RFC 8058, 3.2: a POST with that body, without a cookie, a token, or a page that it was on."""
    for _ in range(2):
        answer = Visitor(cast_site).send(f"{forms.ROOT}/digest?token={token}", ONE_CLICK, origin=origin)
        assert answer.status == 200
    assert not chosen(cast_site, anna).is_wanted


def test_nothing_else_is_done_by_that_link(cast_site: Site, anna: int, token: str) -> None:
    address = f"{forms.ROOT}/digest?token={token}"
    for body in ({}, {"List-Unsubscribe": "x"}, {"List-Unsubscribe": ["One-Click", "x"]}):
        assert Visitor(cast_site).send(address, body).status == 400
    for wrong in ("", "x", token[:-1], f"{token}x"):
        assert Visitor(cast_site).send(f"{forms.ROOT}/digest?token={wrong}", ONE_CLICK).status == 410
    assert Visitor(cast_site).send(f"{forms.ROOT}/unsubscribe?token={token}", ONE_CLICK).status == 410
    assert chosen(cast_site, anna).is_wanted


def test_whoever_looked_at_the_activity_page_is_told_nothing_of_what_stood_there(cast_site: Site, anna: int) -> None:
    subscribe(cast_site.database, anna)
    cast_site.database.write(change_everything)
    assert Visitor(cast_site).signed_in(anna).get("/activity/").status == 200
    assert sent(cast_site.database) == []
    cast_site.database.write(change_everything)
    Visitor(cast_site).signed_in(anna).get("/people/")
    assert len(sent(cast_site.database)) == 1


def change_everything(session: Session) -> None:
    """Change everything that everybody says in words of their own, hidden or not."""
    for owner_id in session.scalars(select(Account.id)).all():
        for field in fields_of(session, owner_id):
            if field.kind in KINDS:
                text = secret(f"{owner_id}-{next(NUMBERS)}", field.kind)
                profiles.set_field(session, owner_id, field.id, field_from_text(field.kind, text))


NUMBERS = itertools.count()


def seen_kinds(session: Session, owner_id: int, viewer_id: int) -> set[str]:
    """Return the kinds of what a person sees of another."""
    visible = visible_fields(session, owner_id, composition_of(session, owner_id, viewer_id))
    return {field.kind for field in visible}


@pytest.mark.parametrize("trusted", [False, True])
def test_no_digest_tells_what_was_not_granted(cast_site: Site, cast: Cast, *, trusted: bool) -> None:
    """Neither a value, hidden or not, nor that somebody has a field of a kind that the reader does not see."""
    database = cast_site.database
    database.write(hide)
    for viewer_id in cast.ids.values():
        subscribe(database, viewer_id)

    def trust(session: Session) -> None:
        for login, account_id in cast.ids.items():
            others = [each for each in cast.ids.values() if connections.is_connected(session, account_id, each)]
            if trusted and login != walk.WHO:
                groups.add_members(session, account_id, groups.find(session, account_id, "Trusted with one").id, others)

    database.write(trust)
    database.write(change_everything)
    letters = sent(database)
    assert letters
    with database.reading() as session:
        told = [fault for letter in letters for fault in faults(session, letter)]
    assert told == []
    assert any("mobile phone" in letter.text.body for letter in letters) or not trusted


def faults(session: Session, letter: Letter) -> list[str]:
    """Return what a digest says that it must not."""
    viewer_id = int(letter.recipient.partition("@")[0])
    assert "unsubscribe" not in letter.text.subject
    said = letter.text.subject + letter.text.body + markup.page(letter.text.subject, letter.text.body, "en", ())
    hidden = hidden_from(session, viewer_id)
    found = [whose for text, whose in hidden.items() if any(spelling in said for spelling in spellings(text))]
    kinds = {word: kind for kind, word in words().items()}
    names = {}
    for owner_id, login in session.execute(select(Account.id, Account.login)).all():
        if owner_id != viewer_id and connections.is_connected(session, owner_id, viewer_id):
            person = connected_people.find(session, viewer_id, owner_id)
            assert person is not None
            names[person.name] = owner_id
            shown = visible_fields(session, owner_id, composition_of(session, owner_id, viewer_id))
            values = [content_of(field).text() for field in shown if field.kind not in ("name", "phonetic", "nickname")]
            found += [f"a value of {login}" for value in values if len(value) > 5 and value in said]
    for line in letter.text.body.splitlines():
        name, colon, changed = line.partition(": ")
        if colon and name in names:
            visible = seen_kinds(session, names[name], viewer_id)
            found += [f"{name} has a {word}" for word in changed.split(", ") if kinds[word] not in visible]
    return found


def words() -> dict[str, str]:
    """Return what kinds are called in a digest."""
    listed = dict(line.split(" = ", 1) for line in templates.lines("digest.words", "en"))
    return {kind: word for kind, word in listed.items() if kind in CATALOGUE}
