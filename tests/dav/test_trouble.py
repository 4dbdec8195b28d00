"""When something goes wrong inside: a short answer, a log line that helps, and nobody's data in either."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import select, text, update

from sync.database.models import Device
from tests.dav.asking import BOOK, put, report, sync_body
from tests.support import factories
from tests.support.people import Person
from tests.support.site import SECRETS, Site


@pytest.mark.parametrize("table", ["private_card", "entry"])
def test_a_failure_is_logged_without_what_it_was_about(
    site: Site, anna: Person, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A statement that fails is logged with its place and its kind, but neither with a card nor with an answer's."""
    with site.database.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO elsewhere"))
    card = factories.vcard("uid-of-a-secret", f"NOTE:{SECRETS[2]}", f"TEL:{SECRETS[0]}")
    answer = site.call("PUT", f"{BOOK}name-of-a-secret.vcf", card, {"Content-Type": "text/vcard"}, person=anna)
    assert 500 <= answer.status <= 503
    assert b"secret" not in answer.body
    assert b"elsewhere" not in answer.body
    said = "\n".join(logging.Formatter().format(record) for record in caplog.records)
    assert "PUT" in said
    for word in (*SECRETS, "uid-of-a-secret", "name-of-a-secret"):
        assert word not in said
    assert report(site, anna, sync_body()).status in (207, 500, 503)


def test_who_only_asks_is_answered_while_somebody_else_writes(site: Site, anna: Person) -> None:
    """What is noted about a device that synchronises can wait; nobody has to wait for it, or is refused."""
    device = select(Device.synced_revision).where(Device.viewer_id == anna.id)
    with site.database.writing() as session:
        session.execute(update(Device).where(Device.viewer_id == anna.id).values(label="Other"))
        assert report(site, anna, sync_body()).status == 207
        session.rollback()
    with site.database.reading() as session:
        assert session.scalars(device).one() == 0
    put(site, anna, BOOK + "x.vcf", factories.vcard("x"))
    assert report(site, anna, sync_body()).status == 207
    with site.database.reading() as session:
        assert session.scalars(device).one() == factories.book(site.database, anna.id).revision
