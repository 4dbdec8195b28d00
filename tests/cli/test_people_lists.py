"""`evercard people import` registers a whole list, changes what changed in the list, and nothing that people wrote."""

from __future__ import annotations

import json
from typing import Any

import pytest

from radicale_plugin.cli.people_lists import read
from sync.accounts.addresses import addresses_of
from sync.database import accounts
from sync.database.engine import Database
from sync.errors import InvalidInput
from sync.models import Message
from sync.notify import mail, outbox
from sync.settings import Sending
from sync.sign_in import password_reset
from tests.cli.conftest import Command
from tests.support import letters

HEAD = "login,name,email,number,groups,office-phone\n"
ANNA = "anna,Anna Chen,anna@example.org,+86 138 0013 8000,colleagues;family,+86 10 5555 0121\n"
BO = "bo,Chen Bo,bo@example.org,+86 139 0013 9000,,\n"
CHIARA = "chiara,Chiara Rossi,,,,\n"


@pytest.fixture
def sending(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let messages leave, as far as the outbox."""
    for name, value in {
        "base_url": "https://cards.example.org",
        "smtp_host": "127.0.0.1",
        "mail_from": "cards@example.org",
    }.items():
        monkeypatch.setenv(f"EVERCARD_{name.upper()}", value)


def put(evercard: Command, text: str, *options: str, code: int = 0) -> dict[str, Any]:
    """Import a list, and return what is said of each person by login."""
    ended = evercard.run("people", "import", "-", "--json", *options, given=text.encode())
    assert ended.exit_code == code, ended.output
    return {line["login"]: line for line in json.loads(ended.stdout)}


def fields(evercard: Command, login: str) -> list[tuple[str, str]]:
    """Return what a profile says."""
    return [(field["kind"], field["value"]) for field in evercard.json("profile", "show", login)]


def waiting(url: str) -> int:
    """Return how many messages are in the outbox."""
    database = Database(url)
    with database.reading() as session:
        number = session.query(Message).count()
    database.dispose()
    return number


@pytest.mark.usefixtures("sending")
def test_a_list_registers_everybody_once(evercard: Command, database_url: str) -> None:
    said = put(evercard, HEAD + ANNA + BO + CHIARA)
    assert [line["result"] for line in said.values()] == ["registered"] * 3
    assert (said["anna"]["line"], said["anna"]["fields"], said["anna"]["letter"]) == (2, 4, True)
    assert (said["chiara"]["letter"], waiting(database_url)) == (False, 2)
    assert {kind for kind, _ in fields(evercard, "anna")} == {"name", "email", "mobile", "office-phone"}
    assert evercard.json("preview", "anna", "--stranger")["vcard"].count("TEL") == 0
    again = put(evercard, HEAD + ANNA + BO + CHIARA)
    assert [line["result"] for line in again.values()] == ["unchanged"] * 3
    assert put(evercard, HEAD + ANNA + BO + CHIARA, "--update")["anna"]["result"] == "unchanged"
    assert waiting(database_url) == 2
    assert evercard.run("verify").exit_code == 0


def test_an_update_carries_what_changed_in_the_list_and_keeps_what_people_wrote(evercard: Command) -> None:
    put(evercard, HEAD + ANNA + BO)
    evercard("profile", "set", "anna", "mobile", "+852 5555 0138")
    evercard("profile", "add", "anna", "hobby", "Chess")
    renewed = HEAD + ANNA.replace("8000", "8888").replace("0121", "0199").replace("Anna Chen", "Anna Li") + BO
    assert put(evercard, renewed)["anna"]["result"] == "unchanged"
    said = put(evercard, renewed, "--update")
    assert (said["anna"]["result"], said["anna"]["fields"], said["anna"]["kept"]) == ("updated", 2, 1)
    assert said["bo"]["result"] == "unchanged"
    now = dict(fields(evercard, "anna"))
    assert now["mobile"] == "+852 5555 0138"
    assert now["office-phone"] == "+86 10 5555 0199"
    assert now["name"] == "Anna Li"
    assert now["hobby"] == "Chess"
    assert put(evercard, renewed, "--update")["anna"]["result"] == "unchanged"
    # What the list no longer says goes, and what it says anew comes.
    said = put(evercard, "login,email,title\nanna,anna@example.org,Typesetter\n", "--update")
    assert {kind for kind, _ in fields(evercard, "anna")} == {"email", "title", "mobile", "hobby"}


def test_who_is_granted_a_field_keeps_seeing_it_when_the_list_changes_it(evercard: Command) -> None:
    put(evercard, HEAD + ANNA)
    evercard("grant", "give", "anna", "strangers", "office-phone")
    put(evercard, HEAD + ANNA.replace("0121", "0199"), "--update")
    assert "0199" in evercard.json("preview", "anna", "--stranger")["vcard"]


def test_who_is_missing_is_closed_and_opened_again_when_they_are_back(evercard: Command) -> None:
    evercard("user", "add", "admin")
    put(evercard, HEAD + ANNA + BO + CHIARA)
    said = put(evercard, HEAD + ANNA + BO, "--disable-missing")
    assert said["chiara"]["result"] == "disabled"
    closed = {person["login"] for person in evercard.json("user", "list") if person["disabled_at"]}
    assert closed == {"chiara"}
    assert "chiara" not in put(evercard, HEAD + ANNA + BO, "--disable-missing")
    assert put(evercard, HEAD + ANNA + BO + CHIARA, "--update")["chiara"]["result"] == "updated"
    assert not [person for person in evercard.json("user", "list") if person["disabled_at"]]
    # A list that was cut short closes nobody.
    assert "2 of 3" in evercard.error("people", "import", "-", "--disable-missing", given=(HEAD + ANNA).encode())
    assert not [person for person in evercard.json("user", "list") if person["disabled_at"]]
    put(evercard, HEAD + ANNA, "--disable-missing", "--even-many")
    assert len([person for person in evercard.json("user", "list") if person["disabled_at"]]) == 2


def test_who_was_closed_by_hand_stays_closed(evercard: Command) -> None:
    put(evercard, HEAD + ANNA + BO)
    evercard("user", "disable", "bo")
    put(evercard, HEAD + ANNA + BO, "--update", "--disable-missing")
    assert [person["login"] for person in evercard.json("user", "list") if person["disabled_at"]] == ["bo"]


def test_somebody_who_is_not_from_the_list_is_left_alone_until_an_update(evercard: Command) -> None:
    evercard("user", "add", "anna")
    evercard("profile", "set", "anna", "name", "Anna")
    assert put(evercard, HEAD + ANNA)["anna"]["result"] == "left alone"
    said = put(evercard, HEAD + ANNA, "--update")["anna"]
    assert (said["result"], said["fields"], said["kept"]) == ("updated", 3, 1)
    assert ("name", "Anna") in fields(evercard, "anna")


@pytest.mark.usefixtures("sending")
def test_a_dry_run_says_the_same_and_does_nothing(evercard: Command, database_url: str) -> None:
    dry = put(evercard, HEAD + ANNA + BO, "--dry-run")
    assert (evercard.json("user", "list"), waiting(database_url)) == ([], 0)
    assert put(evercard, HEAD + ANNA + BO) == dry


def test_a_line_that_cannot_be_used_keeps_no_other_from_being(evercard: Command) -> None:
    bad = "dora,Dora,not-an-address,,,\nÄrger,X,,,,\n"
    said = put(evercard, HEAD + ANNA + bad + BO, code=1)
    assert [said[login]["result"] for login in ("anna", "dora", "ärger", "bo")] == [
        "registered",
        *["refused"] * 2,
        "registered",
    ]
    assert "not-an-address" not in said["dora"]["problem"]
    assert {person["login"] for person in evercard.json("user", "list")} == {"anna", "bo"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "login"),
        ("name\nAnna\n", "login"),
        ("login,shoe-size\nanna,38\n", "shoe-size"),
        ("login,name,name\nanna,a,b\n", "same"),
        ("login\nanna\nAnna\n", "lines 2 and 3"),
        ("login,name\n,Anna\n", "Line 2"),
        ("login,name\nanna,\xe4\n".encode("latin-1"), "UTF-8"),
    ],
)
def test_a_list_that_is_none_is_refused_as_a_whole(text: str | bytes, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        read(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_lists_are_read_as_spreadsheets_write_them(delimiter: str) -> None:
    text = "\ufeff" + "login,E-Mail,Number,email:Office\r\n".replace(",", delimiter)
    text += delimiter.join(["anna", "a@example.org", '"+86 138"', "b@example.org"]) + "\r\n\r\n"
    [line] = read(text.encode())
    assert line.values == {"email": "a@example.org", "mobile": "+86 138", "email:Office": "b@example.org"}


@pytest.mark.usefixtures("sending")
def test_the_letter_lets_somebody_in_once_and_proves_their_address(evercard: Command, database_url: str) -> None:
    put(evercard, HEAD + ANNA)
    database = Database(database_url)
    with letters.mail_server() as mailbox:
        settings = Sending(
            smtp_host="127.0.0.1", smtp_port=mailbox.port, smtp_security="none", mail_from="cards@example.org"
        )
        assert outbox.work(database, {"email": mail.sender(settings)}) == 1
        token = mailbox.link("reset").partition("token=")[2]
    password_reset.reset(database, token, "correct horse battery", browser="")
    with database.reading() as session:
        assert addresses_of(session, accounts.find(session, "anna")) == [("email", "anna@example.org")]
    database.dispose()
