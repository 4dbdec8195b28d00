"""Who signs in by the provider of their organisation (OpenID Connect)."""

from __future__ import annotations

from sqlalchemy import BigInteger, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Digest, Id, Moment


class OrganisationIdentity(Base):
    """
    The claim on somebody's identity at a provider: whoever inserts the row is that person here.

    *digest* is a hash of the provider and of what it calls the person for ever. *refresh_token*, sealed, is what this
    server asks the provider with whether the person is still there; absent where the provider gave none. *looked_at* is
    when it was last asked. *missing_since* set means that the account was closed because the person was there no more.
    """

    __tablename__ = "organisation_identity"
    __table_args__ = {"info": {"spread_by": "digest"}, "sqlite_with_rowid": False}

    digest: Mapped[Digest] = mapped_column(primary_key=True)
    account_id: Mapped[Id]
    refresh_token: Mapped[bytes | None] = mapped_column(LargeBinary)
    linked_at: Mapped[Moment]
    looked_at: Mapped[Moment]
    missing_since: Mapped[int | None] = mapped_column(BigInteger)
