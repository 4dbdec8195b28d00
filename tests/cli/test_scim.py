"""The options for an organisation that tells of its people, and the tokens by which it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from radicale_plugin import settings
from sync.errors import InvalidInput
from sync.scim import tokens
from sync.settings import Scim
from tests.cli.conftest import Command
from tests.cli.test_organisation import BASE, written


def test_what_is_configured_is_what_the_engine_is_told(tmp_path: Path) -> None:
    fields = "name=displayName, office-phone=phoneNumbers.work"
    options = {"scim": "True", "scim_link_by": "login", "scim_fields": fields, "scim_delete": "delete"}
    database = settings.database(settings.load(written(tmp_path, {**BASE, **options})))
    told = database.settings.scim
    database.dispose()
    assert told == Scim(True, "login", (("name", "displayName"), ("office-phone", "phoneNumbers.work")), True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"base_url": ""}, "base_url"),
        ({"scim_link_by": "name"}, "must be one of"),
        ({"scim_delete": "keep"}, "must be one of"),
        ({"scim_fields": "name=display name"}, "attributes"),
        ({"scim_fields": "no-such-kind=title"}, "must be kinds of fields"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(tmp_path: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        settings.load(written(tmp_path, {**BASE, "scim": "True", **options}))


def test_a_token_is_shown_once_and_listed_and_revoked(evercard: Command) -> None:
    token = evercard.json("scim", "add", "Entra ID")["token"]
    assert len(token) > 40
    assert "Entra ID" in evercard("scim", "list")
    (listed,) = evercard.json("scim", "list")
    assert (listed["label"], listed["used"], token in str(listed)) == ("Entra ID", None, False)
    assert "already" in evercard.error("scim", "add", " Entra  ID")
    evercard("scim", "revoke", "Entra ID")
    assert evercard.json("scim", "list") == []
    assert "no token" in evercard.error("scim", "revoke", "Entra ID")
    assert "1 to 100" in evercard.error("scim", "add", " ")


def test_there_are_a_few_tokens_at_most(evercard: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 1)
    assert evercard("scim", "add", "one").strip()
    assert "at most 1" in evercard.error("scim", "add", "two")
