"""
Credentials: passwords of people for the portal, and passwords of devices for everything else.

A device password is made here, and as good as random (see `sync.sign_in.device_passwords`). So a fast keyed hash is
enough to store, and checking one costs a poll next to nothing. People choose theirs, so it gets argon2id.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from sync.accounts import calling, slow_hash
from sync.accounts.calling import Called
from sync.database import accounts
from sync.database.engine import Database, all_or_nothing, settings_of
from sync.database.server_keys import key_for, server_key
from sync.errors import AlreadyExists, InvalidInput, LimitExceeded, NotFound
from sync.models import CONTACTS, NOBODY, Account, Device, now
from sync.push import subscriptions
from sync.revisions import rosters
from sync.revisions.address_books import CONTACTS_PATH, Book, Lists
from sync.revisions.rosters import Roster
from sync.sign_in import device_passwords
from sync.sign_in.device_notes import DeviceNotes, Given
from sync.sign_in.device_passwords import Proof
from sync.vcard import clean

#: The last use of a device is written down at most once in this many seconds, so that a poll writes nothing.
LAST_USE_PRECISION = 3600
MINIMUM_LENGTH = 10
#: More than anybody types; a hash of more would cost this server more.
MAXIMUM_LENGTH = 1000


class Caller(NamedTuple):
    """
    Who a request comes from, and the state of their address book in the same moment.

    *lists* is as what the device shows the person's groups, None for not at all; once it is worked out for the request
    how its program reads them, the way in which it does. *lists_revision* is the state of the lists, None where there
    never were any. *rosters* and *names_key* are those of `Book`. *names* is what the device calls the person by, as it
    is and decoded, where that is not the login. *is_behind* says that a standby said so, and not the primary: a moment
    ago it was true.
    """

    account_id: int
    login: str
    device_id: int
    synced_revision: int
    last_used_at: int | None
    title: str
    epoch: int
    revision: int
    lists: str | None
    lists_revision: int | None
    rosters: tuple[Roster, ...] = ()
    names_key: bytes | None = None
    names: tuple[str, ...] = ()
    is_behind: bool = False

    @property
    def contacts(self) -> Book:
        """The address book of the person's connections, as it was when the request was let in."""
        lists = Lists(self.lists, self.lists_revision or 0) if self.lists is not None else None
        state = (self.title, self.epoch, self.revision, lists, self.rosters, self.names_key)
        return Book(self.account_id, CONTACTS, CONTACTS_PATH, *state)


class Gate:
    """
    Lets devices in, for one process.

    Which accounts a name may mean is remembered between requests; whether one has it still and is open, whether the
    device may still come in and with which password is asked of the database every time, so that a revocation works at
    once. Whoever is refused is so by the same statements, whoever there is.
    """

    def __init__(self, database: Database) -> None:
        """Read the server's key from *database*, where the settings name none."""
        self._database = database
        self._key = database.write(server_key)
        self._names = calling.Names(database)
        self._by_login = database.placeholders(_CHECK)
        self._by_email = database.placeholders(_CHECK_ADDRESS)
        self._to_poll = database.placeholders(_CHECK_UNTOLD)
        self.notes = DeviceNotes(database)

    def admit(self, login: str, password: str) -> Caller | None:
        """Return who this is, or None for whatever is wrong: login, password, a revoked device, a closed account."""
        proof = Proof.read(password)
        if proof is None:
            return None
        names = calling.spelled(login)
        for name in names:
            caller = self._admit(name, proof)
            if caller is not None:
                return caller if names == (caller.login,) else caller._replace(names=names)
        return None

    def admit_to_poll(self, login: str, password: str) -> Caller | None:
        """Return who this is as the standby has it; None where it cannot say that, or may not, or says another name."""
        standby, proof = self._database.standby, Proof.read(password)
        called = self._names.known(login)
        if standby is None or proof is None or called.login is None or not standby.is_close():
            return None
        row = standby.quick(self._to_poll, (called.by_login, proof.device_id, called.login))
        caller = self._proved(row, proof) if row is not None else None
        return caller._replace(is_behind=True) if caller is not None else None

    def _admit(self, name: str, proof: Proof) -> Caller | None:
        called = self._names.known(name)
        caller = self._check(called, proof)
        if caller is None:
            # What was remembered may be somebody else's by now; and it was nobody's the first time.
            called = self._names.look_up(called)
            caller = self._check(called, proof)
            self._names.remember(name, called if caller is not None else None)
        return caller

    def _check(self, called: Called, proof: Proof) -> Caller | None:
        rows = []
        if called.login is not None:
            rows.append(self._database.quick(self._by_login, (called.by_login, proof.device_id, called.login)))
        if called.email is not None:
            rows.append(self._database.quick(self._by_email, (called.email, *called.by_email, proof.device_id)))
        for row in rows:
            if row is not None and (caller := self._proved(row, proof)) is not None:
                return caller
        return None

    def _proved(self, row: tuple[Any, ...], proof: Proof) -> Caller | None:
        account_id, login, stored, *rest, named, names_key = row
        if not hmac.compare_digest(bytes(stored), proof.digest(self._key, account_id)):
            return None
        caller = Caller(account_id, login, proof.device_id, *rest)
        if named is None and names_key is None:
            return caller
        key = bytes(names_key) if names_key is not None else None
        return caller._replace(rosters=rosters.read(self._database, named), names_key=key)

    def note_use(self, caller: Caller) -> None:
        """Note that the device was used, if that is worth a note (see `sync.sign_in.device_notes`)."""
        at = now()
        # A time that is ahead was written before the clock was put back.
        if caller.last_used_at is None or abs(at - caller.last_used_at) >= LAST_USE_PRECISION:
            self.notes.used((caller.account_id, caller.device_id), at)

    def note_sync(self, caller: Caller, revision: int) -> None:
        """Note that the device has everything up to *revision*, if that is news (`sync.sign_in.device_notes`)."""
        if caller.synced_revision != revision:
            self.notes.given((caller.account_id, caller.device_id), Given(caller.epoch, revision, now()))


# One row each of three tables of one person, in one round trip: all that a poll has to know.
_STATE = """
SELECT device.viewer_id, account.login, device.secret_hash, device.synced_revision, device.last_used_at,
    address_book.title, address_book.epoch, address_book.revision, device.lists, address_book.lists_revision,
    address_book.rosters, address_book.names_key
FROM device
JOIN account ON account.id = device.viewer_id
JOIN address_book ON address_book.viewer_id = device.viewer_id AND address_book.id = 1
"""
_CHECK = f"""{_STATE}
WHERE device.viewer_id = ? AND device.id = ? AND account.login = ?
    AND device.revoked_at IS NULL AND account.disabled_at IS NULL
"""
# A device that was told of something asks at once, and must not hear that there is nothing. How far the rosters of
# organisations are is asked of the primary.
_IS_UNTOLD = """    AND address_book.rosters IS NULL
    AND NOT EXISTS (
        SELECT 1 FROM push_subscription WHERE push_subscription.viewer_id = device.viewer_id AND device_id = device.id
    )
"""
_CHECK_UNTOLD = f"{_CHECK}{_IS_UNTOLD}"
# And of a fourth table of the same person's, for who signs in by an address.
_CHECK_ADDRESS = f"""{_STATE}
JOIN address ON address.owner_id = device.viewer_id AND address.channel = 'email' AND address.value = ?
WHERE device.viewer_id IN ({", ".join("?" * calling.SHARING)}) AND device.id = ?
    AND device.revoked_at IS NULL AND account.disabled_at IS NULL
"""


class Made(NamedTuple):
    """A device that a seed made, with its password; and whether it *has_called* by now, or *is_revoked*."""

    device_id: int
    password: str
    has_called: bool
    is_revoked: bool


def add_device(session: Session, account_id: int, label: str, seed: str | None = None) -> tuple[int, str]:
    """
    Let one more device in. Returns its id and its password, which is stored nowhere.

    The password follows from *seed*, which nobody else may know (see `made_with`); without one it is random.

    Raises:
        AlreadyExists: This seed made a device before.
        InvalidInput: The label is empty or too long.
        LimitExceeded: The person has as many devices as they may.
        NotFound: There is no such person.
    """
    label = " ".join(clean(label).split())
    if not label or len(label) > 100:
        raise InvalidInput("A device's label has 1 to 100 characters, such as “Anna's phone”.")
    # Two that are let in at once must not come past the limit.
    if session.scalars(select(Account.id).where(Account.id == account_id).with_for_update()).first() is None:
        raise NotFound("There is no such person.")
    password, proof, there = _looked_up(session, account_id, seed or secrets.token_urlsafe(32))
    if there is not None:
        raise AlreadyExists("This device is set up already.")
    limit = settings_of(session).limits.devices
    used = select(func.count()).where(Device.viewer_id == account_id, Device.revoked_at.is_(None))
    if session.scalars(used).one() >= limit:
        raise LimitExceeded(f"A person has at most {limit} devices; revoke one first.")
    values = {
        "label": label,
        "secret_hash": proof.digest(server_key(session), account_id),
        "created_at": now(),
        "synced_revision": 0,
    }
    with all_or_nothing(session):
        _forget_revoked(session, account_id, limit)
        session.execute(insert(Device).values(viewer_id=account_id, id=proof.device_id, **values))
    return proof.device_id, password


def made_with(session: Session, account_id: int, seed: str) -> Made | None:
    """Return the device that *seed* made, None where it made none. Needs the right to write, for the server's key."""
    password, proof, there = _looked_up(session, account_id, seed)
    return Made(proof.device_id, password, *there) if there is not None else None


def _looked_up(session: Session, account_id: int, seed: str) -> tuple[str, Proof, tuple[bool, bool] | None]:
    """Return the password of a seed, and whether its device, if there is one, has called and is revoked."""
    key, own_key = server_key(session), key_for(session, device_passwords.PURPOSE)
    number = 0
    while True:
        password, proof = device_passwords.made_of(seed, account_id, number, own_key)
        found = session.execute(
            select(Device.secret_hash, Device.last_used_at.is_not(None), Device.revoked_at.is_not(None)).where(
                Device.viewer_id == account_id, Device.id == proof.device_id
            )
        ).first()
        if found is None:
            return password, proof, None
        if hmac.compare_digest(found[0], proof.digest(key, account_id)):
            return password, proof, (bool(found[1]), bool(found[2]))
        # Another device of this person's has this id.
        number += 1


def _forget_revoked(session: Session, account_id: int, most: int) -> None:
    """Let go of the devices that were revoked long ago: of so many the person is still told."""
    mine = (Device.viewer_id == account_id, Device.revoked_at.is_not(None))
    newest_first = (Device.revoked_at.desc(), Device.id)
    gone = session.scalars(select(Device.id).where(*mine).order_by(*newest_first).offset(most)).all()
    if gone:
        session.execute(delete(Device).where(Device.viewer_id == account_id, Device.id.in_(gone)))


def devices(session: Session, account_id: int) -> Sequence[Device]:
    """Return the devices of a person, revoked ones too, oldest first."""
    return session.scalars(
        select(Device).where(Device.viewer_id == account_id).order_by(Device.created_at, Device.id)
    ).all()


def in_use(session: Session, account_id: int, device_id: int) -> Device:
    """
    Return a device of a person's that is not shut out.

    Raises:
        NotFound: They have no such device.
    """
    found = session.get(Device, (account_id, device_id))
    if found is None or found.revoked_at is not None:
        raise NotFound("There is no such device.")
    return found


def revoke_device(session: Session, account_id: int, device_id: int) -> None:
    """
    Shut a device out, from its next request on.

    Raises:
        NotFound: The person has no such device, or it is revoked already.
    """
    mine = (Device.viewer_id == account_id, Device.id == device_id, Device.revoked_at.is_(None))
    with session.begin_nested():
        gone = session.execute(update(Device).where(*mine).values(revoked_at=now()).returning(Device.id)).first()
        if gone is None:
            raise NotFound("There is no such device.")
        subscriptions.end(session, account_id, device_id)


def set_password(session: Session, account_id: int, password: str) -> None:
    """
    Set a person's password for the portal; devices have passwords of their own.

    Raises:
        InvalidInput: It is too short or too long.
        NotFound: There is no such person.
    """
    set_password_hash(session, account_id, hash_password(password))


def hash_password(password: str) -> str:
    """
    Return what is stored of a password, which takes a while: best done outside of a transaction.

    Raises:
        InvalidInput: It is too short or too long.
    """
    if len(password) < MINIMUM_LENGTH:
        raise InvalidInput(f"A password has at least {MINIMUM_LENGTH} characters.")
    if len(password) > MAXIMUM_LENGTH:
        raise InvalidInput(f"A password has at most {MAXIMUM_LENGTH} characters.")
    return slow_hash.make(password)


def set_password_hash(session: Session, account_id: int, hashed: str) -> None:
    """
    Give a person the password of which `hash_password` made *hashed*.

    Raises:
        NotFound: There is no such person.
    """
    changed = update(Account).where(Account.id == account_id).values(password_hash=hashed)
    with session.begin_nested():
        if session.execute(changed.returning(Account.id)).first() is None:
            raise NotFound("There is no such person.")
        subscriptions.end(session, account_id)


def check_password(session: Session, login: str, password: str) -> int | None:
    """Return the account whose password for the portal this is, or None. Takes as long for a login that nobody has."""
    account_id = None
    with contextlib.suppress(NotFound):
        account_id = accounts.find(session, login)
    return check_password_of(session, account_id, password)


def check_password_of(session: Session, account_id: int | None, password: str) -> int | None:
    """Return the account if this is its password for the portal, else None. Nobody's takes as long as somebody's."""
    account = session.get(Account, account_id or NOBODY, populate_existing=True)
    stored = account.password_hash if account else None
    if not slow_hash.fits(stored, password[: MAXIMUM_LENGTH + 1]):
        return None
    return account.id if account and account.disabled_at is None else None
