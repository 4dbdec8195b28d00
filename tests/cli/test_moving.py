"""`evercard user export`, `user delete` and `entry import`."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.cli.conftest import Command

CONTACTS = (
    "BEGIN:VCARD\nVERSION:3.0\nFN:Dora\nTEL:+1 555 0100\nEND:VCARD\n"
    "BEGIN:VCARD\nVERSION:3.0\nFN:Broken\nno colon\nEND:VCARD\n"
)


def test_contacts_are_imported_once_and_bad_ones_named(evercard: Command, tmp_path: Path) -> None:
    evercard("user", "add", "anna")
    (tmp_path / "contacts.vcf").write_text(CONTACTS)
    first = evercard.run("entry", "import", "anna", str(tmp_path / "contacts.vcf"))
    assert first.stdout == "2 contacts added, 0 there already.\n"
    assert first.stderr.startswith("Left out of Broken: line 4: ")
    assert evercard("entry", "import", "anna", "-", given=CONTACTS) == "0 contacts added, 2 there already.\n"
    assert "There is no vCard" in evercard.error("entry", "import", "anna", "-", given="nonsense")


def test_everything_is_exported(evercard: Command, tmp_path: Path) -> None:
    evercard("user", "add", "anna")
    evercard("entry", "import", "anna", "-", given=CONTACTS)
    evercard("user", "export", "anna", "--output", str(tmp_path / "anna.zip"))
    with zipfile.ZipFile(tmp_path / "anna.zip") as archive:
        texts = [archive.read(name) for name in archive.namelist() if name.startswith("address books/contacts/")]
    assert any(b"555 0100" in text for text in texts)
    assert "cannot be written" in evercard.error("user", "export", "anna", "-o", str(tmp_path / "none" / "anna.zip"))


def test_a_deleted_person_is_gone_from_all_who_had_their_card(evercard: Command) -> None:
    for login in ("anna", "bo"):
        evercard("user", "add", login)
    evercard("connect", "anna", "bo")
    assert evercard.run("user", "delete", "anna", given="n\n").exit_code != 0
    assert "anna" in evercard("user", "list")
    evercard("user", "delete", "anna", "--yes")
    assert "anna" not in evercard("user", "list")
    assert "is taken" in evercard.error("user", "add", "anna")
    assert "nobody with the login" in evercard.error("user", "delete", "anna", "--yes")
    assert evercard.run("verify").exit_code == 0
