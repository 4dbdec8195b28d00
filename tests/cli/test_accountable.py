"""Whatever the command line does with somebody's account, they can see that it did."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from radicale_plugin.cli import accountable, main
from sync.accounts import acts
from tests.cli.conftest import Command

VCARD = "BEGIN:VCARD\nVERSION:3.0\nFN:Plumber\nN:;Plumber;;;\nEND:VCARD\n"
#: Of each command that works on somebody's account, how it is used for anna, and what it reads.
USED: dict[str, tuple[list[str], str]] = {
    "address add": (["anna", "email", "anna@example.org"], ""),
    "address list": (["anna"], ""),
    "address remove": (["anna", "email", "anna@example.org"], ""),
    "block": (["anna", "bo"], ""),
    "blocked": (["anna"], ""),
    "calendar add": (["anna", "phone"], ""),
    "calendar end": (["anna", "phone"], ""),
    "calendar list": (["anna"], ""),
    "connect": (["anna", "bo"], ""),
    "contact apart": (["anna", "1", "2"], ""),
    "contact ask-again": (["anna"], ""),
    "contact duplicates": (["anna"], ""),
    "contact list": (["anna"], ""),
    "contact merge": (["anna", "1", "2"], ""),
    "contact merged": (["anna"], ""),
    "contact undo": (["anna", "1"], ""),
    "device add": (["anna", "phone"], ""),
    "device list": (["anna"], ""),
    "device lists": (["anna", "phone", "off"], ""),
    "device revoke": (["anna", "phone"], ""),
    "digest off": (["anna"], ""),
    "digest set": (["anna", "--hour", "8"], ""),
    "digest show": (["anna"], ""),
    "disconnect": (["anna", "bo"], ""),
    "doubt dismiss": (["anna", "mobile"], ""),
    "doubt list": (["anna"], ""),
    "doubt say": (["anna", "bo", "mobile"], ""),
    "end keep": (["anna", "family"], ""),
    "end list": (["anna"], ""),
    "end set": (["anna", "family", "--until", "2099-01-01"], ""),
    "entry import": (["anna", "-"], VCARD),
    "entry restore": (["anna", "1@1"], ""),
    "entry versions": (["anna"], ""),
    "find": (["anna", "bo"], ""),
    "friend introduce": (["anna", "bo", "chiara"], ""),
    "friend list": (["anna"], ""),
    "friend publish": (["anna", "bo"], ""),
    "friend unpublish": (["anna", "bo"], ""),
    "grant except": (["anna", "bo", "mobile", "--show"], ""),
    "grant give": (["anna", "family", "mobile"], ""),
    "grant list": (["anna"], ""),
    "grant take": (["anna", "family", "mobile"], ""),
    "group add": (["anna", "family", "chiara"], ""),
    "group create": (["anna", "club"], ""),
    "group delete": (["anna", "family"], ""),
    "group list": (["anna"], ""),
    "group remove": (["anna", "family", "bo"], ""),
    "group rename": (["anna", "family", "clan"], ""),
    "hidden": (["anna"], ""),
    "holders": (["anna"], ""),
    "household accept": (["anna", "bo", "1"], ""),
    "household decline": (["anna", "bo", "1"], ""),
    "household leave": (["anna", "mobile"], ""),
    "household list": (["anna"], ""),
    "household offer": (["anna", "mobile", "bo"], ""),
    "household take-back": (["anna", "mobile", "bo"], ""),
    "link end": (["anna", "door"], ""),
    "link list": (["anna"], ""),
    "book grant": (["anna", "Club", "Customers", "writer"], ""),
    "book of": (["anna"], ""),
    "book take-back": (["anna", "Club", "Customers"], ""),
    "device shared": (["anna", "phone", "on"], ""),
    "link make": (["anna", "family", "--label", "door"], ""),
    "organisation administrator": (["anna", "Club"], ""),
    "organisation invite": (["anna", "Club"], ""),
    "organisation join": (["anna", "Club"], ""),
    "organisation leave": (["anna", "Club"], ""),
    "organisation news": (["anna", "Club", "--digest"], ""),
    "organisation of": (["anna"], ""),
    "preference set": (["anna", "--found-by", "login"], ""),
    "preference show": (["anna"], ""),
    "preview": (["anna", "--person", "bo"], ""),
    "profile add": (["anna", "mobile", "+86 139 0013 9000"], ""),
    "profile export": (["anna"], ""),
    "profile history": (["anna"], ""),
    "profile import": (["anna", "-"], VCARD),
    "profile restore": (["anna", "1"], ""),
    "profile set": (["anna", "name", "Anna Berg"], ""),
    "profile show": (["anna"], ""),
    "profile unset": (["anna", "mobile"], ""),
    "proposal accept": (["anna", "family", "bo"], ""),
    "proposal dismiss": (["anna", "family", "bo"], ""),
    "proposal list": (["anna"], ""),
    "push list": (["anna"], ""),
    "question answer": (["anna", "bo", "--answer-stdin"], "blue\n"),
    "question remove": (["anna"], ""),
    "question set": (["anna", "Which colour?", "--answer-stdin"], "blue\n"),
    "request allow": (["anna", "bo"], ""),
    "request ask": (["anna", "bo"], ""),
    "request confirm": (["anna", "bo"], ""),
    "request decline": (["anna", "bo"], ""),
    "request list": (["anna"], ""),
    "request withdraw": (["anna", "bo"], ""),
    "show": (["anna", "bo"], ""),
    "unblock": (["anna", "bo"], ""),
    "user administrator": (["anna"], ""),
    "user delete": (["anna", "--yes"], ""),
    "user disable": (["anna"], ""),
    "user enable": (["anna"], ""),
    "user export": (["anna"], ""),
    "user password": (["anna", "--password-stdin"], "correct horse battery\n"),
}
#: What works on nobody's account, and what makes or lists one.
OTHERS = {
    *("backup", "check", "demo", "migrate", "people import", "profile kinds", "push rotate-key", "render", "restore"),
    *("outbox drop", "outbox failing", "outbox list", "outbox now", "outbox retry", "outbox status"),
    *("organisation change", "organisation create", "organisation delete", "organisation list", "organisation people"),
    *("book contacts", "book create", "book delete", "book everybody", "book export"),
    *("book history", "book import", "book list", "book rename", "book restore"),
    *("ldap look", "scim add", "scim list", "scim revoke"),
    *("restored", "serve", "user acts", "user add", "user list", "user usage", "verify", "worker"),
}
#: What a command is called where it writes down by itself what it did.
WORDS = {
    "user administrator": acts.APPOINT,
    "user delete": acts.DELETE,
    "user disable": acts.DISABLE,
    "user enable": acts.ENABLE,
    "user password": acts.PASSWORD,
}


def commands(group: click.Command, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with how it is called."""
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            found = group.get_command(context, name)
            assert found is not None
            yield from commands(found, *path, name)
    else:
        yield " ".join(path), group


def test_every_command_is_known_here() -> None:
    """A new one that works on somebody's account gets a line in `USED`, so that the next test tries it."""
    assert {name for name, _ in commands(main)} == USED.keys() | OTHERS


def test_no_command_names_somebody_by_a_word_that_is_not_known() -> None:
    known = {*accountable.PEOPLE, "file", "ids", "label"}
    for name, command in commands(main):
        first = next((each.name for each in command.params if isinstance(each, click.Argument)), None)
        assert first in known or first is None, name


@pytest.mark.parametrize("name", USED)
def test_what_a_command_does_with_an_account_is_written_down_whatever_comes_of_it(anna: Command, name: str) -> None:
    if name == "user enable":
        anna("user", "disable", "anna")
    before = told(anna)
    arguments, given = USED[name]
    anna.run(*name.split(), *arguments, given=given)
    if name == "user delete":
        return
    after = told(anna)
    assert [(each["by"], each["what"]) for each in after[: len(after) - len(before)]] == [(None, WORDS.get(name, name))]


def told(evercard: Command) -> list[dict[str, str | None]]:
    """Return what Anna is told, the last first."""
    found: list[dict[str, str | None]] = evercard.json("user", "acts", "anna")
    return found


def test_who_is_blocked_is_not_told_by_what_was_written_down(anna: Command) -> None:
    before = anna.json("user", "acts", "bo")
    anna("preview", "anna", "--person", "bo")
    anna("group", "remove", "anna", "family", "bo")
    for command in ("block", "unblock"):
        anna(command, "anna", "bo")
    assert anna.json("user", "acts", "bo") == before


def test_both_whom_a_command_connects_are_told(anna: Command) -> None:
    anna("disconnect", "anna", "bo")
    assert [anna.json("user", "acts", login)[0]["what"] for login in ("anna", "bo")] == ["disconnect"] * 2


def test_people_from_a_list_are_told_what_became_of_them(evercard: Command) -> None:
    head = "login,name,office-phone\n"
    evercard("people", "import", "-", given=f"{head}anna,Anna,+86 10 5555 0121\nbo,Bo,\n")
    evercard("people", "import", "-", "--update", "--disable-missing", given=f"{head}anna,Anna,+86 10 5555 0122\n")
    evercard("people", "import", "-", "--update", given=f"{head}bo,Bo,\n")
    assert [each["what"] for each in evercard.json("user", "acts", "anna")] == [acts.UPDATE, acts.REGISTER]
    assert [each["what"] for each in evercard.json("user", "acts", "bo")] == [acts.ENABLE, acts.DISABLE, acts.REGISTER]


def test_a_dry_run_tells_nobody_anything(evercard: Command) -> None:
    evercard("user", "add", "anna")
    before = evercard.json("user", "acts", "anna")
    evercard("people", "import", "-", "--dry-run", "--update", given="login,name\nanna,Anna\n")
    assert evercard.json("user", "acts", "anna") == before


def test_an_administrator_is_made_and_dismissed_by_the_command_line(evercard: Command) -> None:
    evercard("user", "add", "anna")
    assert evercard("user", "administrator", "anna") == "anna is an administrator.\n"
    assert "administrator" in evercard("user", "list")
    assert evercard.json("user", "list")[0]["administrator_since"]
    evercard("user", "administrator", "anna", "--dismiss")
    assert evercard.json("user", "list")[0]["administrator_since"] is None
    assert [each["what"] for each in evercard.json("user", "acts", "anna")] == [
        *(acts.DISMISS, acts.APPOINT, acts.REGISTER)
    ]
    assert "the server's command line" in evercard("user", "acts", "anna")
    assert "nobody with the login" in evercard.error("user", "administrator", "nobody")
