"""
Search keys: the keys by which a person is found, kept as they decided and as strangers may see.

A key is there only while the person may be found by it, so whoever looks for a key that is not there learns nothing:
nobody has it, or somebody who does not want to be found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.database.prepared import execute
from sync.models import Account, Address, Base, OwnSearchKey, SearchKey
from sync.sharing.cards import content_of
from sync.sharing.preferences import NOBODY, Preferences, preferences_of, preferences_of_many
from sync.sharing.visibility import StoredField, shown_to_strangers
from sync.sorting import names
from sync.vcard import split_structured

LOGIN, EMAIL, SMS, NAME = "login:", "email:", "sms:", "name:"
#: Before an e-mail address by which its owner signs in; nobody is found by it, and it does not depend on preferences.
OWN = "own:"
#: The kinds of fields that say what somebody is called.
NAME_KINDS = ("name", "phonetic", "nickname")
#: More keys than that nobody needs; whoever has them has not only names in their names.
_MOST_NAMES = 200
_KEY_LENGTH = 300


def renew(session: Session, owner_id: int) -> None:
    """
    Bring the keys of a person up to date with what they decided, proved and show.

    The caller holds the lock of the owner's profile.
    """
    own = select(Address.value).where(Address.owner_id == owner_id, Address.channel == "email")
    to_sign_in = {OWN + value for value in session.scalars(own)}
    _keep(session, owner_id, to_sign_in | set(wanted(session, owner_id)), "")


def begin(session: Session, owner_id: int, login: str) -> None:
    """Let a person who has just been registered be found as `renew` lets everybody who has decided nothing yet."""
    decided = Preferences()
    if decided.found_by_login and decided.connecting != NOBODY:
        _add(session, owner_id, [LOGIN + login])


def is_about_names(kinds: AbstractSet[str]) -> bool:
    """Whether people may be found by what a field of one of these kinds says."""
    return not kinds.isdisjoint(NAME_KINDS)


def renew_names(session: Session, owner_id: int) -> None:
    """Do the same after a change of what the owner shows, which concerns names only."""
    if execute(session, _IS_FOUND_BY_NAME, {"owner": owner_id}):
        names_now = _names(session, owner_id, preferences_of(session, owner_id))
        _keep(session, owner_id, set(names_now), NAME)


def forget(session: Session, owner_id: int) -> None:
    """Let nobody find a person any more."""
    _keep(session, owner_id, set(), "")


def keys_of(session: Session, owner_id: int) -> Sequence[str]:
    """Return the keys that a person is found by."""
    return [key for key in _stored(session, owner_id) if not key.startswith(OWN)]


def owners_of_email(session: Session, value: str) -> Sequence[int]:
    """Return who proved a normalised e-mail address to be theirs, whether or not they want to be found by it."""
    key = OWN + value
    return session.scalars(
        select(SearchKey.account_id).where(SearchKey.key == key).order_by(SearchKey.account_id)
    ).all()


def wanted(session: Session, owner_id: int) -> frozenset[str]:
    """Return the keys by which a person is to be found: none for whoever is shut out, or lets nobody connect."""
    return wanted_of(session, [owner_id]).get(owner_id, frozenset())


def wanted_of(session: Session, owner_ids: Collection[int]) -> dict[int, frozenset[str]]:
    """Return by person what `wanted` has, for many at once; who is to be found by nothing may be left out."""
    enabled = select(Account.id, Account.login).where(among(session, Account.id, owner_ids))
    logins: dict[int, str] = dict(session.execute(enabled.where(Account.disabled_at.is_(None))).all())
    decided = preferences_of_many(session, logins)
    open_to = {owner_id for owner_id, preferences in decided.items() if preferences.connecting != NOBODY}
    keys: dict[int, set[str]] = {owner_id: set() for owner_id in open_to}
    for owner_id in (each for each in open_to if decided[each].found_by_login):
        keys[owner_id].add(LOGIN + logins[owner_id])
    proved = select(Address.owner_id, Address.channel, Address.value)
    for owner_id, channel, value in session.execute(proved.where(among(session, Address.owner_id, open_to))):
        if decided[owner_id].found_by_email if channel == "email" else decided[owner_id].found_by_phone:
            keys[owner_id].add(f"{channel}:{value}")
    by_name = {owner_id for owner_id in open_to if decided[owner_id].found_by_name}
    for owner_id, fields in shown_to_strangers(session, by_name, kinds=NAME_KINDS).items() if by_name else ():
        keys[owner_id].update(_names_in(fields))
    return {owner_id: frozenset(each) for owner_id, each in keys.items()}


def _names(session: Session, owner_id: int, preferences: Preferences) -> Iterable[str]:
    enabled = select(Account.id).where(Account.id == owner_id, Account.disabled_at.is_(None))
    if preferences.connecting == NOBODY or session.scalars(enabled).first() is None:
        return ()
    return _names_in(shown_to_strangers(session, [owner_id], kinds=NAME_KINDS).get(owner_id, []))


def _names_in(shown: Iterable[StoredField]) -> list[str]:
    # Whoever finds somebody by a name has been told that it is theirs, so it must be one that strangers may see.
    keys = {NAME + key for field in shown for name in _said(field) for key in names.keys_of(name)}
    return sorted(key for key in keys if len(key) <= _KEY_LENGTH)[:_MOST_NAMES]


def _said(field: StoredField) -> Iterator[str]:
    content = content_of(field)
    if content.main.name == "N":
        family, given, middle = (" ".join(part) for part in [*split_structured(content.main.value), [], [], []][:3])
        yield f"{family} {given} {middle}"
    else:
        yield content.text()


def _keep(session: Session, owner_id: int, keys: set[str], prefix: str) -> None:
    stored = {key for key in _stored(session, owner_id) if key.startswith(prefix)}
    if gone := stored - keys:
        _drop(session, owner_id, gone)
    if new := sorted(keys - stored):
        _add(session, owner_id, new)


def _add(session: Session, owner_id: int, keys: Sequence[str]) -> None:
    session.execute(insert(OwnSearchKey), [{"owner_id": owner_id, "key": key} for key in keys])
    session.execute(insert(SearchKey), [{"key": key, "account_id": owner_id} for key in keys])


def _stored(session: Session, owner_id: int) -> Sequence[str]:
    return session.scalars(
        select(OwnSearchKey.key).where(OwnSearchKey.owner_id == owner_id).order_by(OwnSearchKey.key)
    ).all()


def _drop(session: Session, owner_id: int, keys: Collection[str]) -> None:
    for model, owner in ((OwnSearchKey, OwnSearchKey.owner_id), (SearchKey, SearchKey.account_id)):
        session.execute(delete(model).where(owner == owner_id, model.key.in_(sorted(keys))))


# Every change of a name asks for it, and most people are not found so.
_PREFERENCES = Base.metadata.tables["preferences"]
_IS_FOUND_BY_NAME = select(_PREFERENCES.c.owner_id).where(
    _PREFERENCES.c.owner_id == bindparam("owner"), _PREFERENCES.c.found_by_name.is_(True)
)
