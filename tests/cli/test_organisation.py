"""The options for signing in by an organisation: what is wrong with them is said before anybody needs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from radicale_plugin import settings
from radicale_plugin.server import checking
from sync.errors import InvalidInput
from tests.support import organisation

BASE = {"base_url": "https://contacts.example.org"}
GOOD = {**BASE, "oidc_issuer": "https://id.example.org/realms/club", "oidc_client_id": "evercard"}


def written(folder: Path, options: dict[str, str]) -> str:
    """Write a configuration, and return its file."""
    file = folder / "evercard.conf"
    lines = [
        f"{name} = {value}" for name, value in {"database_url": f"sqlite:///{folder}/e.sqlite3", **options}.items()
    ]
    file.write_text("\n".join(["[storage]", "type = radicale_plugin.storage", *lines, ""]))
    return str(file)


def test_what_is_configured_is_what_the_engine_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a secret\n")
    fields = "name=name, office-phone = phone_number"
    more = {"oidc_client_secret_file": str(tmp_path / "secret"), "oidc_fields": fields, "oidc_sign_up": "True"}
    database = settings.database(settings.load(written(tmp_path, {**GOOD, **more})))
    told = database.settings.organisation
    database.dispose()
    assert (told.issuer, told.client_id, told.client_secret) == (GOOD["oidc_issuer"], "evercard", "a secret")
    assert told.fields == (("name", "name"), ("office-phone", "phone_number"))
    assert (told.sign_up, told.link_by_email, told.is_known) == (True, False, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"oidc_issuer": "http://id.example.org"}, "must be https"),
        ({"oidc_issuer": "id.example.org"}, "must be the address"),
        ({"oidc_issuer": "https://id.example.org/?x=1"}, "must be the address"),
        ({"oidc_client_id": ""}, "oidc_client_id"),
        ({"base_url": ""}, "base_url"),
        ({"oidc_scopes": "profile"}, "openid"),
        ({"oidc_fields": "name"}, "must be kinds of fields"),
        ({"oidc_fields": "no-such-kind=name"}, "must be kinds of fields"),
        ({"oidc_fields": "photo=picture"}, "must be kinds of fields"),
        ({"oidc_fields": "mobile=phone_number, office-phone=phone_number"}, "each claim once"),
        ({"oidc_client_secret_file": "/nowhere"}, "cannot be read"),
        ({"oidc_sign_up": "perhaps"}, "oidc_sign_up"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(tmp_path: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        settings.load(written(tmp_path, {**GOOD, **options}))


def test_a_check_asks_the_provider(tmp_path: Path) -> None:
    with organisation.serving("https://contacts.example.org/.web/organisation/back") as provider:
        ours = {**GOOD, "oidc_issuer": provider.issuer, "oidc_scopes": "openid"}
        file = written(tmp_path, ours)

        def found() -> list[tuple[str, str]]:
            return [
                (each.level.value, each.about) for each in checking.findings(file) if each.about.startswith("oidc_")
            ]

        assert found() == [("doubtful", "oidc_scopes"), ("doubtful", "oidc_issuer"), ("good", "oidc_issuer")]
        provider.is_down = True
        assert found()[-1] == ("wrong", "oidc_issuer")
