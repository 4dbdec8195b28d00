"""Organisations: who is a member of one, and what each member shows all the others."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Id, Moment, Word
from sync.models.owners import OWNER

_ORGANISATION = {"info": {"spread_by": "organisation_id"}, "sqlite_with_rowid": False}


class Organisation(Base):
    """
    A household, a club, a company, whose members have each other's cards. *id* is one that no account has.

    *minimum* names the kinds of fields, one a line, of each of which whoever joins is asked to show one. *revision*
    rises by one with every change that a member can see; up to *let_go* it is not known any more who left.
    *deleted_at* set means that nobody is a member any more, and what is left of them is being tidied up.
    """

    __tablename__ = "organisation"
    __table_args__ = {"info": {"spread_by": "id"}, "sqlite_with_rowid": False}

    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(100))
    minimum: Mapped[str] = mapped_column(Text)
    revision: Mapped[Counter] = mapped_column(default=0)
    let_go: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[Moment]
    deleted_at: Mapped[int | None] = mapped_column(BigInteger)


class RosterEntry(Base):
    """
    Somebody in an organisation, as its members' address books have them.

    *state* is ``present``; ``removed``: not a member any more; or ``invited``, which no member sees. *card_id* is the
    card of whoever is present. *revision* is the organisation's of the last change, going included; *changed_at* its
    time. *raised_for* is as in `Entry`.
    """

    __tablename__ = "roster_entry"
    __table_args__ = (Index(None, "organisation_id", "revision"), _ORGANISATION)

    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True)
    owner_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[Word]
    card_id: Mapped[int | None] = mapped_column(BigInteger)
    revision: Mapped[Counter]
    changed_at: Mapped[Moment]
    raised_for: Mapped[int | None] = mapped_column(BigInteger)


class RosterChange(Base):
    """
    One of the last changes of what a member shows an organisation: the news of it, which its members are told from.

    It is the roster's change of this *revision*, and made the owner's profile that of *version*. Nobody's coming or
    going is one.
    """

    __tablename__ = "roster_change"
    __table_args__ = _ORGANISATION

    organisation_id: Mapped[Id] = mapped_column(ForeignKey("organisation.id", ondelete="CASCADE"), primary_key=True)
    revision: Mapped[Counter] = mapped_column(primary_key=True, autoincrement=False)
    owner_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[Counter]
    changed_at: Mapped[Moment]


class Membership(Base):
    """
    A person is invited into an organisation, or is a member of it, which *joined_at* says.

    *id* names it in sync tokens, another one whenever somebody joins. *group_id* is the built-in group by which the
    member decides what the organisation sees, and *audience_id* the audience of that group alone; absent before.
    *administrator_since* says that the member looks after this organisation. What changed on the roster up to revision
    *told_from* is no news to the member, who was not shown it by this organisation then; absent where the time of
    joining tells that. *digest_from* and *browsers_from* say that the digest and the member's browsers tell of what
    changed on the roster after that revision; absent where they do not. *brought_by* says which kind of directory
    brought the person, and takes them out again; absent where somebody invited them.
    """

    __tablename__ = "membership"
    __table_args__ = (
        ForeignKeyConstraint(["owner_id", "audience_id"], ["audience.owner_id", "audience.id"]),
        ForeignKeyConstraint(["owner_id", "group_id"], ["contact_group.owner_id", "contact_group.id"]),
        Index(None, "owner_id", "audience_id"),
        OWNER,
    )

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[Id]
    invited_at: Mapped[Moment]
    joined_at: Mapped[int | None] = mapped_column(BigInteger)
    group_id: Mapped[int | None] = mapped_column(BigInteger)
    audience_id: Mapped[int | None] = mapped_column(BigInteger)
    administrator_since: Mapped[int | None] = mapped_column(BigInteger)
    told_from: Mapped[int | None] = mapped_column(BigInteger)
    digest_from: Mapped[int | None] = mapped_column(BigInteger)
    browsers_from: Mapped[int | None] = mapped_column(BigInteger)
    brought_by: Mapped[str | None] = mapped_column(String(16))


class DirectoryMember(Base):
    """
    A directory of the kind *source* has somebody in the group of an organisation, for which they were invited once.

    The row goes when the directory has them there no more, and not when they decline or leave.
    """

    __tablename__ = "directory_member"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    organisation_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    source: Mapped[Word]
