"""Export: everything of a person's is in it, and nothing of anybody else's that they may not see."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from sync.books import entries
from sync.database.engine import Database
from sync.export import exporting
from sync.fields import fields_of
from sync.sharing import grants
from sync.sign_in import credentials
from sync.vcard import parse_one
from tests.support import clubs
from tests.support.factories import book, connected, field, group, set_field, strangers

PRIVATE = b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:dentist\r\nFN:Dentist \xe7\x89\x99\r\nX-ODD;A=b:kept\r\nEND:VCARD\r\n"


def exported(database: Database, account_id: int) -> zipfile.ZipFile:
    with database.reading() as session:
        return zipfile.ZipFile(io.BytesIO(exporting.export(session, account_id)))


def about(archive: zipfile.ZipFile) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(archive.read("evercard.json"))
    return told


def test_the_profile_is_there_as_a_card_with_everything(database: Database) -> None:
    (anna,) = connected(database, "anna")
    field(database, anna)
    field(database, anna, "qq", "100010001")
    archive = exported(database, anna)
    for name in ("my card.vcf", "my card (vCard 3.0).vcf"):
        kinds = {content.kind for content in fields_of(parse_one(archive.read(name).decode()))}
        assert {"mobile", "qq"} <= kinds


def test_entries_are_there_as_devices_get_them(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    shown = field(database, bo)
    field(database, bo, "qq", "100010001")
    everybody = strangers(database, bo)
    database.write(lambda session: grants.grant(session, bo, everybody, [shown]))
    contacts = book(database, anna)
    database.write(lambda session: entries.write(session, contacts, "dentist.vcf", PRIVATE, lambda _: None))
    archive = exported(database, anna)
    assert archive.read("address books/contacts/dentist.vcf") == PRIVATE
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"+86 138 0013 8000" in everything
    assert b"100010001" not in everything


def test_groups_devices_and_history_are_told(database: Database) -> None:
    anna, bo = connected(database, "anna", "bo")
    mobile = field(database, anna)
    group(database, anna, "Family", [bo], [mobile])
    set_field(database, anna, mobile, "+86 138 0013 8001")
    database.write(lambda session: credentials.add_device(session, anna, "Anna's phone"))
    told = about(exported(database, anna))
    assert told["login"] == "anna"
    assert told["connections"] == ["bo"]
    (family,) = [each for each in told["groups"] if each["kind"] == "group"]
    assert family == {"name": "Family", "kind": "group", "members": ["bo"], "fields": [str(mobile)]}
    assert [device["label"] for device in told["devices"]] == ["Anna's phone"]
    assert [[item["value"] for item in state["fields"]] for state in told["history"]] == [
        ["+86 138 0013 8001"],
        ["+86 138 0013 8000"],
    ]


def test_no_secret_is_told(database: Database) -> None:
    (anna,) = connected(database, "anna")
    _, password = database.write(lambda session: credentials.add_device(session, anna, "Phone"))
    database.write(lambda session: credentials.set_password(session, anna, "correct horse battery"))
    archive = exported(database, anna)
    everything = b"".join(archive.read(name) for name in archive.namelist())
    for secret in (password, password.replace("-", ""), "correct horse", "$argon2"):
        assert secret.encode() not in everything


def test_memberships_and_invitations_are_told(database: Database) -> None:
    (anna,) = connected(database, "anna")
    joined, invited = clubs.found(database), clubs.found(database, "Rowing Club", ["mobile"])
    joined.join(anna)
    invited.invite(anna)
    told = about(exported(database, anna))["organisations"]
    assert [(each["name"], each["asks_for"], each["joined_at"] is None) for each in told] == [
        ("Chess Club", [], False),
        ("Rowing Club", ["mobile"], True),
    ]
