"""Accounts and what they sign in with."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Id, Moment

#: Whose the login is of somebody who deleted their account. No account has this id.
NOBODY = 0


class LoginName(Base):
    """
    The claim on a login: whoever inserts the row owns the name. *name* is the login in lower case.

    *account_id* is `NOBODY` when the account was deleted, so that nobody else is ever taken for its person.
    """

    __tablename__ = "login_name"
    __table_args__ = {"info": {"spread_by": "name"}, "sqlite_with_rowid": False}

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[Id]


class Account(Base):
    """
    A registered person.

    *password_hash* is the argon2id hash of the password for the portal, absent while none was set. *disabled_at* set
    means that nothing of this person's can be opened any more; what others hold of them stays. *deletion_began_at*
    set means that the account is being deleted, which `sync.sign_in.deletion` finishes. *administrator_since* set
    means that this person looks after the server.
    """

    __tablename__ = "account"
    __table_args__ = {"info": {"spread_by": "id"}, "sqlite_with_rowid": False}

    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    login: Mapped[str] = mapped_column(String(64))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[Moment]
    disabled_at: Mapped[int | None] = mapped_column(BigInteger)
    deletion_began_at: Mapped[int | None] = mapped_column(BigInteger)
    administrator_since: Mapped[int | None] = mapped_column(BigInteger)


class Device(Base):
    """
    A phone or program with a password of its own.

    *synced_revision* is the revision of the address book whose changes were last handed to the device in full, 0
    before the first time;
    *synced_at* says when. *last_used_at* is kept to the hour. *lists* says as what the device shows the person's
    groups (`sync.revisions.list_states`), absent for not at all. *shared_books* says whether the device is shown the
    books that the person's organisations share, absent for what its program gets that nobody asked.
    """

    __tablename__ = "device"
    __table_args__ = {"info": {"spread_by": "viewer_id"}, "sqlite_with_rowid": False}

    viewer_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(String(100))
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[Moment]
    last_used_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)
    synced_revision: Mapped[Counter] = mapped_column(default=0)
    synced_at: Mapped[int | None] = mapped_column(BigInteger)
    lists: Mapped[str | None] = mapped_column(String(16))
    shared_books: Mapped[bool | None]


class ServerSecret(Base):
    """
    Random keys of this server, made once, by name.

    Each machine has a copy: a server that starts needs them all, whichever machine is out of reach.
    """

    __tablename__ = "server_secret"
    __table_args__ = {"info": {"spread_by": "name", "everywhere": True}, "sqlite_with_rowid": False}

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary(64))
