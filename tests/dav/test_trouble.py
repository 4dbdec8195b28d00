"""When something goes wrong inside: a short answer, a log line that helps, and nobody's data in either."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from sqlalchemy import event, select, text, update

from sync.database import condition
from sync.models import Device
from tests.dav.asking import BOOK, put, report, sync_body
from tests.support import factories
from tests.support.people import Person
from tests.support.site import ON_SQLITE, SECRETS, Site
from tests.support.waiting import one, until


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
    assert one(site.database, device) == 0
    put(site, anna, BOOK + "x.vcf", factories.vcard("x"))
    assert report(site, anna, sync_body()).status == 207
    given = factories.book(site.database, anna.id).revision
    until(lambda: one(site.database, device) == given)


@ON_SQLITE
def test_a_full_disk_refuses_what_writes_and_nothing_else(
    site: Site, anna: Person, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Phones go on reading, a card is refused with 507, the health check says why, and the log does so once."""
    put(site, anna, BOOK + "before.vcf", factories.vcard("before"))
    assert site.call("GET", "/.health").status == 200
    pages = fill(site)
    card, kind = factories.vcard("x", "NOTE:" + "x" * 100_000), {"Content-Type": "text/vcard"}
    for _ in range(3):
        assert site.call("PUT", BOOK + "x.vcf", card, kind, person=anna).status == 507
        assert report(site, anna, sync_body()).status == 207
        assert site.call("GET", BOOK + "before.vcf", person=anna).status == 200
        health = site.call("GET", "/.health")
        assert (health.status, b"disk" in health.body) == (503, True)
    said = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.exc_info for record in said] == [None]
    empty(site, pages)
    monkeypatch.setattr(condition, "SETTLED", 0)
    assert site.call("PUT", BOOK + "x.vcf", card, kind, person=anna).status == 201
    assert site.call("GET", "/.health").body == b"ok\n"


def fill(site: Site) -> int:
    """Let the database have no room for another page, and return how much it had."""
    with site.database.engine.connect() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA max_page_count").scalar_one())
    event.listen(site.database.engine, "checkout", _limit_pages)
    return pages


def empty(site: Site, pages: int) -> None:
    """Give the database its room back."""
    event.remove(site.database.engine, "checkout", _limit_pages)
    site.database.engine.dispose()
    with site.database.engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


def _limit_pages(connection: Any, *_: object) -> None:
    connection.execute("PRAGMA max_page_count = 1")
