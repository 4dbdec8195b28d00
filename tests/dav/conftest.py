"""
The server in this process, with people in it, and two rules for every test: it never sleeps and never logs a secret.

`site` is new for each test, and runs on both engines; a module that is not about storage says
``pytestmark = ON_SQLITE``. `lasting` is one for all tests that only ask, which is many times as fast.
"""

from __future__ import annotations

import logging
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.database.engine import Session
from sync.sharing import grants
from sync.sign_in import credentials
from tests.dav.asking import snapshot
from tests.support import factories, people
from tests.support.people import Person
from tests.support.site import SECRETS, Circle, Lasting, Site, opened

_TOKEN = re.compile(r"urn:x-evercard:sync/\w+/\w+/\d+")


@pytest.fixture
def site(database_url: str, no_sleep: None) -> Iterator[Site]:
    """Yield a server in which nobody is registered."""
    with opened(database_url) as site:
        yield site


@pytest.fixture
def anna(site: Site) -> Person:
    """Return a registered person."""
    return people.register(site.database, "anna")


@pytest.fixture
def circle(site: Site, anna: Person) -> Circle:
    """Connect anna to ben, who lets strangers see his name, and has more that nobody may see."""
    return connected(site, anna)


@pytest.fixture(scope="session")
def _lasting(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Circle]]:
    copy = shutil.copy(migrated_sqlite_file, tmp_path_factory.mktemp("lasting") / "evercard.sqlite")
    with opened(f"sqlite:///{copy}") as site:
        yield site, connected(site, people.register(site.database, "anna"))


@pytest.fixture
def lasting(_lasting: tuple[Site, Circle], no_sleep: None) -> Iterator[Lasting]:
    """Yield a server with two connected people whom no test may change, which is checked after each."""
    site, circle = _lasting
    before = snapshot(site, circle.anna), snapshot(site, circle.ben)
    yield Lasting(site, circle)
    assert (snapshot(site, circle.anna), snapshot(site, circle.ben)) == before


@pytest.fixture
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a test fail in which an answer is delayed."""

    def sleep(_seconds: float) -> None:
        raise AssertionError("an answer was delayed")

    monkeypatch.setattr(time, "sleep", sleep)


def connected(site: Site, anna: Person) -> Circle:
    """Connect anna to somebody new, who lets strangers see his name, and has more that nobody may see."""
    ben = people.register(site.database, "ben")
    shown = factories.field(site.database, ben.id, "name", "Ben Beispiel")
    for kind, value in zip(("mobile", "email", "note"), SECRETS, strict=True):
        factories.field(site.database, ben.id, kind, value)
    group = factories.strangers(site.database, ben.id)
    site.database.write(lambda session: grants.grant(session, ben.id, group, [shown]))
    factories.connect(site.database, anna.id, ben.id)
    entry, own = (factories.href_of(site.database, anna.id, owner) for owner in (ben.id, anna.id))
    return Circle(anna, ben, f"/anna/contacts/{entry}", f"/anna/contacts/{own}", shown)


@pytest.fixture(autouse=True)
def _nothing_personal_is_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    passwords: list[str] = []
    add_device = credentials.add_device

    def remembering(session: Session, account_id: int, label: str) -> tuple[int, str]:
        device_id, password = add_device(session, account_id, label)
        passwords.append(password)
        return device_id, password

    monkeypatch.setattr(credentials, "add_device", remembering)
    caplog.set_level(logging.DEBUG)
    yield
    formatter = logging.Formatter()
    said = "\n".join(formatter.format(record) for record in caplog.get_records("call"))
    assert [word for word in (*SECRETS, *passwords) if word in said] == []
    assert _TOKEN.findall(said) == []
