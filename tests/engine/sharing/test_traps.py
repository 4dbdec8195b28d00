"""Addresses that would run something reach nobody else's phone, whatever door they came in by."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sync.database.engine import Database, Session
from sync.fields import fields_of
from sync.merging import intake
from sync.profiles import profiles
from sync.sharing import changes, grants
from sync.sharing.visibility import fields_of as stored_fields
from sync.vcard import parse_one
from tests.support import factories

LINES = (
    "URL:javascript:alert(1)",
    "item1.URL:data:text/html,<script>alert(1)</script>",
    "item1.X-ABLabel:_$!<HomePage>!$_",
    "X-SOCIALPROFILE;TYPE=twitter:vbscript:alert(1)",
    "X-EVOLUTION-BLOG-URL:JavaScript:alert(1)",
    "IMPP:javascript:alert(1)",
    "TEL;VALUE=uri:javascript:alert(1)",
    "URL:https://harmless.example.org/",
)
CARD = factories.vcard("card", *LINES, name="Anna")


def put(database: Database, owner_id: int) -> None:
    """A device stores the person's own card."""
    own = factories.served(database, owner_id, owner_id)
    assert own is not None
    data = CARD.replace(b"UID:card", f"UID:{own.uid}".encode())
    factories.put(database, owner_id, own.href, data)


def take_over(database: Database, owner_id: int) -> None:
    """The portal and the command line import a card."""
    database.write(lambda session: profiles.import_card(session, owner_id, intake.read(CARD)))


def have(database: Database, owner_id: int) -> None:
    """Fields are there that an earlier release let in, and that its cards show: they are written anew."""
    contents = fields_of(parse_one(CARD))
    database.write(lambda session: profiles.add_fields(session, owner_id, contents))
    database.write(lambda session: changes.render_anew(session, owner_id))


@pytest.mark.parametrize("door", [put, take_over, have])
@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_no_program_reaches_a_phone_as_an_address(
    database: Database, door: Callable[[Database, int], None], version: str
) -> None:
    anna, bao = factories.connected(database, "anna", "bao")
    door(database, anna)

    def show_all(session: Session) -> None:
        everyone = factories.everybody_connected(database, anna)
        grants.grant(session, anna, everyone, [field.id for field in stored_fields(session, anna)])

    database.write(show_all)
    entry = factories.served(database, bao, anna, version)
    assert entry is not None
    assert "https://harmless.example.org/" in entry.text
    unfolded = "".join(entry.text.split()).casefold()
    assert "script:" not in unfolded
    assert "data:" not in unfolded
