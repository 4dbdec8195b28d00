"""The demo's directory: the database with its people, the configuration, and what their devices sign in with."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from radicale_plugin import settings
from radicale_plugin.cli.addressing import choose, named_fields
from radicale_plugin.cli.demo.cast import CAST, CONNECTED, STRANGERS, Person
from radicale_plugin.cli.demo.photos import photo
from sync.accounts import registration
from sync.database import accounts
from sync.database.engine import Database, Session
from sync.errors import InvalidInput, InvalidSyncToken
from sync.fields import field_from_photo, field_from_text
from sync.profiles import profiles
from sync.revisions import address_books
from sync.sharing import connections, grants, groups
from sync.sign_in import credentials

ADDRESS = "127.0.0.1"
LABEL = "Demo"

_CONFIGURATION = """\
[server]
hosts = {address}:{port}
[auth]
type = radicale_plugin.auth
delay = 0
[rights]
type = radicale_plugin.rights
[storage]
type = radicale_plugin.storage
database_url = {url}
base_url = http://{address}:{port}
sign_up = open
phone_region = CN
workers = 1
[web]
type = radicale_plugin.web
[logging]
level = warning
"""
_REPORT = (
    '<sync-collection xmlns="DAV:"><sync-token>{token}</sync-token><sync-level>1</sync-level><prop><getetag/>'
    '<address-data xmlns="urn:ietf:params:xml:ns:carddav"/></prop></sync-collection>'
)
_CURL = """\
# Asks what has changed in {login}'s address book since the demo was made.
url = "http://{address}:{port}/{login}/contacts/"
user = "{login}:{password}"
request = "REPORT"
header = "Depth: 0"
header = "Content-Type: application/xml; charset=utf-8"
data = "{report}"
"""


@dataclass(frozen=True, slots=True)
class Device:
    """What somebody's device signs in with, and the sync token of what it has."""

    password: str
    token: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A demo that is ready to be served. *devices* are by login; *password* is everybody's for the portal."""

    directory: Path
    port: int
    devices: dict[str, Device]
    password: str

    @property
    def configuration(self) -> Path:
        """The configuration file."""
        return self.directory / "evercard.conf"

    def curl(self, login: str) -> Path:
        """Return the file with which curl asks what has changed for a person."""
        return self.directory / f"{login}.curl"


def prepare(directory: Path, port: int) -> Stage:
    """
    Make what is missing in *directory*, and leave what is there.

    Raises:
        InvalidInput: The directory cannot be used.
        EvercardError: The database in it cannot be used.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        url = f"sqlite:///{(directory / 'evercard.sqlite3').resolve()}"
        text = _CONFIGURATION.format(address=ADDRESS, port=port, url=url.replace("%", "%%"))
        stage = Stage(directory, port, {}, "")
        _write(stage.configuration, text)
        database = settings.database(settings.load(str(stage.configuration)))
        database.migrate()
        database.write(fill)
        password = _password(database, directory / "portal-password")
        stage = Stage(directory, port, _devices(database, directory / "devices.json"), password)
        for login, device in stage.devices.items():
            _write(stage.curl(login), _curl(login, device, port))
    except OSError as error:
        raise InvalidInput(f"The directory {str(directory)!r} cannot be used: {error.strerror}.") from error
    return stage


def fill(session: Session) -> None:
    """Register the cast, all or nobody; a database that has somebody in it stays as it is."""
    if accounts.everybody(session):
        return
    ids = {person.login: registration.create(session, person.login) for person in CAST}
    for person in CAST:
        _describe(session, ids[person.login], person)
    for one, other in CONNECTED:
        connections.connect(session, ids[one], ids[other])
    for person in CAST:
        _sort(session, ids, person)


def _describe(session: Session, owner_id: int, person: Person) -> None:
    profiles.add_field(session, owner_id, field_from_text("name", person.name))
    for line in person.lines:
        profiles.add_field(session, owner_id, field_from_text(line.kind, line.text, line.label))
    picture = photo(person.initials, person.colour)
    profiles.add_field(session, owner_id, field_from_photo(picture))


def _sort(session: Session, ids: dict[str, int], person: Person) -> None:
    owner_id = ids[person.login]
    fields = named_fields(session, owner_id)
    for circle in person.circles:
        if circle.name == STRANGERS:
            group_id = groups.find(session, owner_id, circle.name).id
        else:
            group_id = groups.create(session, owner_id, circle.name)
        for member in circle.members:
            groups.add_member(session, owner_id, group_id, ids[member])
        grants.grant(session, owner_id, group_id, [field.id for field in choose(fields, circle.granted)])


def _devices(database: Database, file: Path) -> dict[str, Device]:
    """Return a device for each of the cast who is still there, made anew where none is known that works."""
    known = _read(file)
    gate = credentials.Gate(database)

    def complete(session: Session) -> dict[str, Device]:
        registered = {account.login for account in accounts.everybody(session)}
        return {
            person.login: _device(session, gate, person.login, known.get(person.login))
            for person in CAST
            if person.login in registered
        }

    devices = database.write(complete)
    _write(file, json.dumps({login: asdict(device) for login, device in devices.items()}, indent=2) + "\n")
    return devices


def _password(database: Database, file: Path) -> str:
    """Return the password that the cast sign in to the portal with, which is made and set once."""
    with contextlib.suppress(FileNotFoundError):
        return file.read_text(encoding="utf-8").strip()
    password = secrets.token_urlsafe(9)
    hashed = credentials.hash_password(password)

    def set_all(session: Session) -> None:
        for account in accounts.everybody(session):
            if account.login in {person.login for person in CAST}:
                credentials.set_password_hash(session, account.id, hashed)

    database.write(set_all)
    _write(file, password + "\n")
    return password


def _device(session: Session, gate: credentials.Gate, login: str, known: Device | None) -> Device:
    account_id = accounts.find(session, login)
    book = address_books.books_of(session, account_id)[0]
    if known is None or gate.admit(login, known.password) is None:
        return Device(credentials.add_device(session, account_id, LABEL)[1], book.sync_token)
    try:
        book.revision_of(known.token)
    except InvalidSyncToken:
        return Device(known.password, book.sync_token)
    return known


def _read(file: Path) -> dict[str, Device]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return {login: Device(**device) for login, device in found.items()}
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return {}


def _curl(login: str, device: Device, port: int) -> str:
    report = _REPORT.format(token=device.token).replace('"', '\\"')
    return _CURL.format(address=ADDRESS, port=port, login=login, password=device.password, report=report)


def _write(file: Path, text: str) -> None:
    """Write a file that nobody else may read, from its first moment on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        os.fchmod(descriptor, 0o600)
        opened.write(text)
