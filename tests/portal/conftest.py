"""
The portal in this process (`site`) and in its own, with a browser before it (`server`, `chromium`).

`cast` is the people of the demo; `staged` is a file with them in it, of which every test gets a copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from radicale_plugin.cli.demo import stage
from sync.database import accounts
from sync.database.engine import Database
from sync.sign_in import administrators, credentials
from tests.support import chromium as browsers
from tests.support.chromium import PortalServer
from tests.support.forms import MAILING, Visitor, opened
from tests.support.site import Site

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Cast:
    """The people of the demo, in a file of their own. *ids* are by login."""

    file: Path
    ids: dict[str, int]

    @property
    def url(self) -> str:
        """The URL of the database."""
        return f"sqlite:///{self.file}"


@pytest.fixture(params=["sqlite"])
def database_engine(request: pytest.FixtureRequest) -> str:
    """Return the engine: the pages hold no statement, and the engine's own tests run on both."""
    engine: str = request.param
    return engine


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server with a portal in which nobody is registered."""
    with opened(database_url) as site:
        yield site


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """Return somebody at a browser who is signed in nowhere."""
    return Visitor(site)


@pytest.fixture(scope="session")
def staged(migrated_sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    """Put the people of the demo into a database that is to be copied; all have the password `PASSWORD`."""
    file = Path(shutil.copy(migrated_sqlite_file, tmp_path_factory.mktemp("staged") / "evercard.sqlite"))
    database = Database(f"sqlite:///{file}")
    database.write(stage.fill)
    with database.reading() as session:
        ids = {account.login: account.id for account in accounts.everybody(session)}
    hashed = credentials.hash_password(PASSWORD)
    for account_id in ids.values():
        database.write(lambda session, it=account_id: credentials.set_password_hash(session, it, hashed))  # type: ignore[misc]
    # Whatever the pages of administrators are walked for is seen by somebody who is one.
    database.write(lambda session: administrators.appoint(session, ids["anna"]))
    database.dispose()
    return Cast(file, ids)


@pytest.fixture
def cast(staged: Cast, tmp_path: Path) -> Cast:
    """Return the people of the demo in a database of this test's own."""
    return Cast(Path(shutil.copy(staged.file, tmp_path / "cast.sqlite")), staged.ids)


@pytest.fixture
def cast_site(cast: Cast) -> Iterator[Site]:
    """Yield a server in this process with the people of the demo."""
    with opened(cast.url, **MAILING) as site:
        yield site


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Yield a browser."""
    with browsers.launched() as browser:
        yield browser


@pytest.fixture
def server(cast: Cast, tmp_path: Path) -> Iterator[PortalServer]:
    """Yield a real server with the people of the demo."""
    with _served(cast, tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def lasting_cast(staged: Cast, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    """Return the people of the demo in a database that the tests of a module share."""
    return Cast(Path(shutil.copy(staged.file, tmp_path_factory.mktemp("lasting") / "cast.sqlite")), staged.ids)


@pytest.fixture(scope="module")
def lasting_server(lasting_cast: Cast) -> Iterator[PortalServer]:
    """Yield a real server that the tests of a module share, none of which minds what the others did there."""
    with _served(lasting_cast, lasting_cast.file.parent) as server:
        yield server


@contextmanager
def _served(cast: Cast, folder: Path) -> Iterator[PortalServer]:
    with PortalServer(cast.url, folder, options=MAILING) as server:
        yield server
        assert "Traceback" not in server.log.read_text()
