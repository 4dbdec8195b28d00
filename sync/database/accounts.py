"""Accounts: registered people."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sync.database.engine import among
from sync.database.models import CONTACTS, NOBODY, Account, Entry, LoginName, Profile, new_id, now
from sync.errors import AlreadyExists, InvalidInput, NotFound
from sync.revisions import address_books
from sync.revisions.address_books import PRESENT
from sync.sharing import cards, groups, search_keys
from sync.sharing.changes import change
from sync.sharing.visibility import STRANGER

#: No ``@`` and no ``%``: some phones encode them in one place and not in another (client fact I-23).
_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)


def create(session: Session, login: str) -> int:
    """
    Register a person, with an empty profile, the group of strangers and an address book, and return the account's id.

    Raises:
        InvalidInput: The login has other characters than small letters, digits, and ``. _ -`` inside.
        AlreadyExists: Somebody has this login.
    """
    login = login.strip().lower()
    if not is_possible(login):
        raise InvalidInput(
            "A login has 1 to 64 small letters or digits, and between them also dots, hyphens or underscores."
        )
    at = now()
    account_id = new_id()
    with session.begin_nested():
        try:
            with session.begin_nested():
                session.execute(insert(LoginName).values(name=login, account_id=account_id))
        except IntegrityError as error:
            raise AlreadyExists(f"The login {login!r} is taken.") from error
        session.execute(insert(Account).values(id=account_id, login=login, created_at=at))
        session.execute(insert(Profile).values(owner_id=account_id, version=0, changed_at=at))
        address_books.create_contacts(session, account_id, at)
        with change(session, account_id) as under_way:
            groups.create_strangers(session, account_id)
            audience_id = cards.audience_for(session, account_id, STRANGER, cards.SELF)
            session.execute(
                insert(Entry).values(
                    viewer_id=account_id,
                    id=account_id,
                    book_id=CONTACTS,
                    href=f"{uuid.uuid4()}.vcf",
                    uid=str(uuid.uuid4()),
                    kind=cards.SELF,
                    state=PRESENT,
                    revision=0,
                    changed_at=at,
                    card_id=audience_id,
                )
            )
            under_way.touch(account_id, account_id)
        search_keys.renew(session, account_id)
    return account_id


def find(session: Session, login: str) -> int:
    """
    Return the id of the account with this login, in whatever case.

    Raises:
        NotFound: There is none.
    """
    name = login.strip().lower()
    account_id = None
    if is_possible(name):
        account_id = session.scalars(select(LoginName.account_id).where(LoginName.name == name)).first()
    # The login of somebody who left stays taken.
    if account_id in (None, NOBODY):
        raise NotFound(f"There is nobody with the login {login[:64]!r}.")
    return account_id


def is_possible(login: str) -> bool:
    """Whether somebody could have this login, written as it is stored. No other text is ever sent to the database."""
    return _LOGIN.fullmatch(login) is not None


def lock(session: Session, *account_ids: int) -> None:
    """
    Let nobody else decide anything about these people until the transaction ends.

    Whoever connects people, or says who may, takes this lock before any other, so that two of them never pass each
    other by.

    Raises:
        NotFound: One of them does not exist.
    """
    for account_id in sorted(set(account_ids)):
        found = select(Account.id).where(Account.id == account_id)
        if session.scalars(found.with_for_update(key_share=True)).first() is None:
            raise NotFound("There is no such person.")


def logins(session: Session, account_ids: Collection[int]) -> dict[int, str]:
    """Return the logins of these accounts by id; ids of nobody are left out."""
    rows = session.execute(select(Account.id, Account.login).where(among(session, Account.id, account_ids)))
    return dict(rows.all())


def everybody(session: Session) -> Sequence[Account]:
    """Return all accounts by login."""
    return session.scalars(select(Account).order_by(Account.login)).all()


def set_disabled(session: Session, account_id: int, *, disabled: bool) -> None:
    """
    Close a person's account to every device and password, or open it again.

    What others hold of the person stays as it is; meanwhile nobody finds them.

    Raises:
        NotFound: There is no such person.
    """
    with session.begin_nested():
        changed = session.execute(
            update(Account)
            .where(Account.id == account_id)
            .values(disabled_at=now() if disabled else None)
            .returning(Account.id)
        ).first()
        if changed is None:
            raise NotFound("There is no such person.")
        session.execute(select(Profile.version).where(Profile.owner_id == account_id).with_for_update())
        search_keys.renew(session, account_id)
