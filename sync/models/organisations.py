"""Who is somebody at their organisation: at its provider (OpenID Connect), or in its directory (LDAP)."""

from __future__ import annotations

from sqlalchemy import BigInteger, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Digest, Id, Moment, Word


class OrganisationIdentity(Base):
    """
    The claim on somebody's identity at a provider: whoever inserts the row is that person here.

    *digest* is a hash of the provider and of what it calls the person for ever. *refresh_token*, sealed, is what this
    server asks the provider with whether the person is still there; absent where the provider gave none. *looked_at* is
    when it was last asked. *missing_since* set means that the account was closed because the person was there no more.
    *source* says what kind of provider that is, ``oidc`` or ``ldap``; *said* is a hash of what last filled fields.
    """

    __tablename__ = "organisation_identity"
    __table_args__ = {"info": {"spread_by": "digest"}, "sqlite_with_rowid": False}

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    account_id: Mapped[Id]
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    linked_at: Mapped[Moment]
    looked_at: Mapped[Moment]
    missing_since: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[Word] = mapped_column(server_default="oidc")
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
