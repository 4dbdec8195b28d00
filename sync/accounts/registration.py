"""Registering people, and closing their accounts."""

from __future__ import annotations

import uuid

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sync.database.accounts import is_possible
from sync.errors import AlreadyExists, InvalidInput, NotFound
from sync.models import CONTACTS, Account, Entry, LoginName, Profile, new_id, now
from sync.organisations import members
from sync.revisions import address_books
from sync.revisions.address_books import PRESENT
from sync.sharing import cards, groups, search_keys
from sync.sharing.changes import change
from sync.sharing.visibility import CONNECTED


def create(session: Session, login: str) -> int:
    """
    Register a person, with an empty profile, the built-in groups and an address book, and return the account's id.

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
            groups.create_built_in(session, account_id)
            audience_id = cards.audience_for(under_way, account_id, CONNECTED, cards.SELF)
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
        search_keys.begin(session, account_id, login)
    return account_id


def set_disabled(session: Session, account_id: int, *, disabled: bool) -> None:
    """
    Close a person's account to every device and password, or open it again.

    What others hold of the person stays as it is; meanwhile nobody finds them, and no organisation shows them.

    Raises:
        NotFound: There is no such person, or they are leaving.
    """
    with session.begin_nested():
        changed = session.execute(
            update(Account)
            .where(Account.id == account_id, Account.deletion_began_at.is_(None))
            .values(disabled_at=now() if disabled else None)
            .returning(Account.id)
        ).first()
        if changed is None:
            raise NotFound("There is no such person.")
        members.set_away(session, account_id, away=disabled)
        session.execute(select(Profile.version).where(Profile.owner_id == account_id).with_for_update())
        search_keys.renew(session, account_id)
