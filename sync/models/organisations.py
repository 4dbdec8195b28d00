"""Who is somebody at their organisation, by OpenID Connect, LDAP or SCIM, and what it said of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Digest, Id, Moment, Word


class OrganisationIdentity(Base):
    """
    The claim on somebody's identity at a provider: whoever inserts the row is that person here.

    *digest* is a hash of the provider and of what it calls the person for ever. *refresh_token*, sealed, is what this
    server asks the provider with whether the person is still there; absent where the provider gave none. *looked_at* is
    when it was last asked. *missing_since* set means that the account was closed because the person was there no more.
    *source* says what kind of provider that is, ``ldap`` or ``scim``, absent for OpenID
    Connect; *said* is a hash of what last filled fields.
    """

    __tablename__ = "organisation_identity"
    __table_args__ = {"info": {"spread_by": "digest"}, "sqlite_with_rowid": False}

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    account_id: Mapped[Id]
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    linked_at: Mapped[Moment]
    looked_at: Mapped[Moment]
    missing_since: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str | None] = mapped_column(String(16))
    said: Mapped[str | None] = mapped_column(String(64))


class OrganisationLook(Base):
    """
    When a directory was last looked through for who is still there.

    *held_back* is how many were missing then whose accounts stayed open, because they were more than go unasked.
    """

    __tablename__ = "organisation_look"
    __table_args__ = {"info": {"spread_by": "source"}, "sqlite_with_rowid": False}

    source: Mapped[Word] = mapped_column(primary_key=True)
    looked_at: Mapped[Moment]
    held_back: Mapped[int] = mapped_column(BigInteger, default=0)


class ScimToken(Base):
    """What an organisation proves with that it may tell of people; *digest* is a hash of it, *label* whose it is."""

    __tablename__ = "scim_token"
    __table_args__ = {"info": {"spread_by": "digest"}, "sqlite_with_rowid": False}

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[Moment]
    last_used_at: Mapped[int | None] = mapped_column(BigInteger)


class ScimUser(Base):
    """
    Somebody whom an organisation told of. *id* is what they are called to it, *document* what it said, as JSON.

    *deleted_at* set means that it took them back; the row stays, so that it can tell of the same person again.
    """

    __tablename__ = "scim_user"
    __table_args__ = {"info": {"spread_by": "id"}}

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    account_id: Mapped[Id]
    document: Mapped[str] = mapped_column(Text)
    version: Mapped[Counter]
    created_at: Mapped[Moment]
    changed_at: Mapped[Moment]
    deleted_at: Mapped[int | None] = mapped_column(BigInteger)


class ScimKey(Base):
    """The claim of somebody whom an organisation told of on a name: *digest* is a hash of it, and what kind it is."""

    __tablename__ = "scim_key"
    __table_args__ = {"info": {"spread_by": "digest"}, "sqlite_with_rowid": False}

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36))
    account_id: Mapped[Id]
