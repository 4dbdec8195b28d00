"""Who was registered from an administrator's list, and what the list said of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Digest, Id, Moment


class ProvisionedAccount(Base):
    """
    A person who is on an administrator's list.

    *missing_since* set means that the account was closed because the list did not have the person any more.
    """

    __tablename__ = "provisioned_account"
    __table_args__ = {"info": {"spread_by": "owner_id"}, "sqlite_with_rowid": False}

    owner_id: Mapped[Id] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    provisioned_at: Mapped[Moment]
    missing_since: Mapped[int | None] = mapped_column(BigInteger)


class ProvisionedField(Base):
    """
    A field that a person has from the list. *name* is the column of the list; *field_id* need not exist any more.

    It is 0 where the list invited the person into an organisation, which is remembered so that it does so once.
    *digest* is that of what the list made of the field, by which it is known whether the list or the person changed it.
    """

    __tablename__ = "provisioned_field"
    __table_args__ = {"info": {"spread_by": "owner_id"}, "sqlite_with_rowid": False}

    owner_id: Mapped[Id] = mapped_column(
        ForeignKey("provisioned_account.owner_id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    field_id: Mapped[Id]
    digest: Mapped[Digest]
