"""The portal when its database does not answer."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from sync.database.engine import Database
from sync.errors import DatabaseUnavailable
from tests.support.forms import Visitor
from tests.support.people import register
from tests.support.site import Site


@pytest.mark.parametrize("path", ["/", "/card/", "/sign-in", "/nothing", "/people/"])
@pytest.mark.parametrize("signed_in", ["signed in", "nobody"])
def test_without_its_database_the_portal_says_so(
    site: Site, visitor: Visitor, path: str, signed_in: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a page in the language of the browser; a program is told when to come back."""
    if signed_in == "signed in":
        visitor.signed_in(register(site.database, "anna").id)

    def unavailable(_database: Database) -> None:
        raise DatabaseUnavailable("no such host")

    monkeypatch.setattr(Database, "reading", unavailable)
    monkeypatch.setattr(Database, "writing", unavailable)
    monkeypatch.setattr(Database, "quick", unavailable)
    answer = visitor.client.get(f"/.web{path}")
    assert answer.status_code in (503, 404)
    assert "no such host" not in answer.text
    assert "<h1" in answer.text
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0


def test_even_without_its_tables_the_portal_says_so(site: Site, visitor: Visitor) -> None:
    """What nobody foresaw is a page, too, and not the server's own."""
    visitor.signed_in(register(site.database, "anna").id)
    with site.database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE browser_session RENAME TO elsewhere"))
    answer = visitor.client.get("/.web/card/")
    assert answer.status_code in (500, 503)
    assert "<h1" in answer.text
