"""What administrators did with people's accounts."""

from __future__ import annotations

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Id, Moment


class AdministratorAct(Base):
    """
    An administrator did something with the account *owner_id*, which need not exist any more; `NOBODY` where none did.

    *login* is that account's. *actor* is the login of the administrator, empty for the server's command line. *what* is
    a word of `sync.accounts.acts`, or the command that was used; where it is about a membership, *organisation* names
    which. The row goes at *expires_at*.
    """

    __tablename__ = "administrator_act"
    __table_args__ = (
        Index(None, "owner_id", "done_at"),
        {"info": {"spread_by": "owner_id"}, "sqlite_with_rowid": False},
    )

    owner_id: Mapped[Id] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    login: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(64))
    what: Mapped[str] = mapped_column(String(64))
    organisation: Mapped[str | None] = mapped_column(String(100))
    done_at: Mapped[Moment]
    expires_at: Mapped[Moment]
