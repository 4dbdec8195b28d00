"""The first card of a new person: what of it connections see, the first groups, and a login made of a name."""

from __future__ import annotations

import pytest

from sync.database import accounts
from sync.database.engine import Database
from sync.errors import AlreadyExists, InvalidInput
from sync.meeting import invitation_links, invitations, sent_forms
from sync.meeting.first_card import BLANK, FirstCard, proposed_login, with_login
from sync.settings import Limits, Settings
from sync.sharing import groups
from sync.sharing.preferences import preferences_of
from sync.sign_in import deletion
from sync.sign_in.provisioning import Listed, put
from tests.support.factories import connect, content, group, people, person, served
from tests.support.meeting import SENDING
from tests.support.one_time_tokens import newest_token

NAME, NUMBER = content("name", "王芳"), content("mobile", "+86 139 0000 1111")


def names_of(database: Database, owner_id: int) -> list[str]:
    with database.reading() as session:
        return [group.name for group in groups.groups_of(session, owner_id)][2:]


def language_of(database: Database, owner_id: int) -> str | None:
    with database.reading() as session:
        return preferences_of(session, owner_id).language


def write(database: Database, owner_id: int, card: FirstCard) -> None:
    database.write(lambda session: card.write(session, owner_id))


def test_connections_see_what_is_shown_and_nobody_what_is_kept(database: Database) -> None:
    anna, bo = people(database, "anna", "bo")
    write(database, anna, FirstCard("zh-Hans", (NAME,), (NUMBER,)))
    connect(database, anna, bo)
    hers, own = served(database, bo, anna), served(database, anna, anna)
    assert hers is not None
    assert own is not None
    assert ("FN:王芳" in hers.text, "1111" in hers.text, "1111" in own.text) == (True, False, True)
    assert (names_of(database, anna), names_of(database, bo)) == (["同事", "家人", "朋友"], [])
    assert language_of(database, anna) == "zh-Hans"


def test_a_card_that_cannot_be_leaves_nothing(database: Database) -> None:
    anna = person(database, "anna")
    with pytest.raises(InvalidInput):
        write(database, anna, FirstCard("no language", (NAME,)))
    assert (names_of(database, anna), language_of(database, anna)) == ([], None)


def test_one_form_makes_one_account(database: Database) -> None:
    anna, bo = people(database, "anna", "bo")
    write(database, anna, FirstCard("en", (NAME,), form="secret"))
    with pytest.raises(AlreadyExists):
        write(database, bo, FirstCard("en", (NAME,), form="secret"))
    assert (names_of(database, bo), language_of(database, bo)) == ([], None)
    with database.reading() as session:
        assert [sent_forms.made_by(session, secret) for secret in ("secret", "", "another")] == [anna, None, None]


def test_groups_that_are_there_stay_and_the_limit_holds(database_url: str) -> None:
    database = Database(database_url, Settings(limits=Limits(groups=2)))
    anna, bo = people(database, "anna", "bo")
    family = group(database, anna, "FAMILY", [], [])
    write(database, anna, BLANK)
    assert names_of(database, anna) == ["FAMILY", "Friends"]
    with database.reading() as session:
        assert groups.find(session, anna, "family").id == family
    write(database, bo, BLANK)
    assert names_of(database, bo) == ["Family", "Friends"]
    database.dispose()


@pytest.mark.parametrize(
    ("language", "given", "names"),
    [
        ("zh-Hans", ["2026 级"], ["2026 级", "同事", "家人", "朋友"]),
        ("", ["family", "Staff"], ["Colleagues", "family", "Friends", "Staff"]),
    ],
)
def test_who_comes_from_a_list_has_the_groups_too(
    database: Database, language: str, given: list[str], names: list[str]
) -> None:
    database.write(lambda session: put(session, Listed("anna", {}, given, language=language)))
    with database.reading() as session:
        anna = accounts.find(session, "anna")
    assert names_of(database, anna) == names
    assert language_of(database, anna) == (language or None)


@pytest.mark.parametrize(
    ("name", "login"),
    [
        ("王芳", "wangfang"),
        ("王 芳", "wang.fang"),
        ("陈博 Chen Bo", "chen.bo"),
        ("Jürgen Groß", "jurgen.gross"),
        ("Ａｎｎａ", "anna"),
        ("Мария", "card"),
        ("…", "card"),
        ("", "card"),
        ("x" * 200, "x" * 40),
        ("7 of 9", "7.of.9"),
    ],
)
def test_a_login_is_made_of_a_name(name: str, login: str) -> None:
    assert proposed_login(name) == login
    assert accounts.is_possible(login)


def test_only_a_login_that_was_proposed_is_replaced() -> None:
    tried: list[str] = []

    def attempt(login: str) -> str:
        tried.append(login)
        if login in ("anna", "wangfang"):
            raise AlreadyExists("taken")
        return login

    assert with_login(attempt, "wangfang", "王芳").startswith("wangfang")
    assert len(tried) == 2
    with pytest.raises(AlreadyExists):
        with_login(attempt, "anna", "王芳")
    assert tried[2:] == ["anna"]


def test_that_an_invitation_was_used_is_known_to_who_used_it_until_they_part(database_url: str) -> None:
    database = Database(database_url, SENDING)
    anna, bo, carl = people(database, "anna", "bo", "carl")
    invitations.invite(database, anna, "bo@example.org", "", source="192.0.2.1")
    token = newest_token(database, "invitation")

    def known(account_id: int) -> int | None:
        return database.write(lambda session: invitations.known_by(session, token, account_id))

    assert known(bo) is None
    database.write(lambda session: invitations.accept(session, token, bo))
    assert (known(bo), known(carl), known(anna)) == (anna, None, None)
    connect(database, anna, carl)
    assert known(carl) is None, "a link of others tells nothing"
    link = database.write(lambda s: invitation_links.token_for(s, anna, invitation_links.create(s, anna)))
    for viewer, whose in ((bo, anna), (carl, anna), (anna, None)):
        assert database.write(lambda s, who=viewer: invitation_links.known_by(s, link, who)) == whose  # type: ignore[misc]
    assert database.write(lambda session: invitation_links.known_by(session, "nonsense", bo)) is None
    deletion.leave(database, anna)
    assert known(bo) is None
    database.dispose()
