"""What a person keeps about themselves and decides about others, and the cards that are made of it."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Counter, Digest, Id, Moment, Word

OWNER = {"info": {"spread_by": "owner_id"}, "sqlite_with_rowid": False}
#: SQLite keeps rows with long text apart from its index only in tables with row ids.
OWNER_WITH_TEXT = {"info": {"spread_by": "owner_id"}}


#: Raised by one by every release that writes some card, or what lists know of it, in another way than the one before.
RENDERING = 2


class Profile(Base):
    """
    The row that whoever changes anything of an owner's locks first.

    *version* is raised by one in every such transaction, so two of them never render cards from each other's stale
    rows. *rendering* is the way of writing, `RENDERING` of the release, that the owner's cards follow;
    absent where they were written before that was noted.
    """

    __tablename__ = "profile"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[Counter] = mapped_column(default=0)
    changed_at: Mapped[Moment]
    rendering: Mapped[int | None] = mapped_column(BigInteger, default=RENDERING)


class Field(Base):
    """
    One vCard property of a profile, with an identity that outlives a change of its value.

    *content* is `sync.fields.FieldContent.dump`; *position* orders the fields of a profile and may have gaps. *claim*
    is what the person's organisation says that fills the field, which nobody else can change then; absent for others.
    """

    __tablename__ = "field"
    __table_args__ = OWNER_WITH_TEXT

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(64))
    content: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[Moment]
    claim: Mapped[str | None] = mapped_column(String(64))


class ProfileState(Base):
    """
    A profile changed at *changed_at*; *version* is the profile's from then on.

    *revision* is that of the owner's own entry since then; absent for what was before it was noted.
    """

    __tablename__ = "profile_state"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[Counter] = mapped_column(primary_key=True, autoincrement=False)
    changed_at: Mapped[Moment]
    revision: Mapped[int | None] = mapped_column(BigInteger)


class FieldState(Base):
    """
    What a field was from version *since* of the profile on, and before version *until*: absent for what it is now.

    *stored* is the field's content without the picture that *picture* names: it belongs at the place *at*. These are
    absent where the content is kept whole. The other columns are those of `Field`, which may be gone; its id is never
    given to another.
    """

    __tablename__ = "field_state"
    __table_args__ = (Index(None, "owner_id", "until"), OWNER_WITH_TEXT)

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    field_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[Counter] = mapped_column(primary_key=True, autoincrement=False)
    until: Mapped[int | None] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(64))
    stored: Mapped[str] = mapped_column("content", Text)
    picture: Mapped[Digest | None]
    at: Mapped[int | None] = mapped_column(Integer)


class Picture(Base):
    """
    A picture, or another long file, out of an owner's cards and their past, kept once however many of them show it.

    *digest* is SHA-256 of its octets, *data* these in base64. Nobody reads it but with a row of the owner's that names
    it: what may be seen of it is what may be seen of that row.
    """

    __tablename__ = "picture"
    __table_args__ = OWNER_WITH_TEXT

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[Digest] = mapped_column(primary_key=True)
    data: Mapped[str] = mapped_column(Text)


class Group(Base):
    """
    A named set of the people whom a person is connected to.

    *kind* is ``group`` or, once per owner each, ``strangers`` (anyone) and ``connections`` (everybody whom the owner is
    connected to): the built-in groups, which have no rows of members.
    *name_key* is the name as it is compared: NFKC, folded case.
    """

    __tablename__ = "contact_group"
    __table_args__ = (UniqueConstraint("owner_id", "name_key"), OWNER)

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[Word]
    name: Mapped[str] = mapped_column(String(100))
    name_key: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[Moment]


class Member(Base):
    """*viewer_id* is in this group of the owner's. Only people who are connected to the owner are."""

    __tablename__ = "member"
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner_id", "group_id"], ["contact_group.owner_id", "contact_group.id"], ondelete="CASCADE"
        ),
        Index(None, "owner_id", "viewer_id"),
        OWNER,
    )

    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    group_id: Mapped[Id] = mapped_column(primary_key=True)
    viewer_id: Mapped[Id] = mapped_column(primary_key=True)


class Grant(Base):
    """Members of the group may see the field."""

    __tablename__ = "field_grant"
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner_id", "group_id"], ["contact_group.owner_id", "contact_group.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["owner_id", "field_id"], ["field.owner_id", "field.id"], ondelete="CASCADE", name="fk_field_grant_field"
        ),
        Index(None, "owner_id", "field_id"),
        OWNER,
    )

    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    group_id: Mapped[Id] = mapped_column(primary_key=True)
    field_id: Mapped[Id] = mapped_column(primary_key=True)


class FieldException(Base):
    """For this one person the field is shown (*allowed*) or withheld, whatever their groups say."""

    __tablename__ = "field_exception"
    __table_args__ = (
        ForeignKeyConstraint(
            ["owner_id", "field_id"],
            ["field.owner_id", "field.id"],
            ondelete="CASCADE",
        ),
        Index(None, "owner_id", "field_id"),
        OWNER,
    )

    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    viewer_id: Mapped[Id] = mapped_column(primary_key=True)
    field_id: Mapped[Id] = mapped_column(primary_key=True)
    allowed: Mapped[bool]


class Audience(Base):
    """
    One combination of an owner's groups, with exceptions for fields, that at least one viewer is or was in.

    *kind* is ``self`` (the owner, who sees everything), ``viewers``, or ``link`` (whoever opens a card link; see
    `CardLink`). *composition* is `sync.sharing.visibility.Composition.dump`; *digest* its hash, by which the audience
    of a viewer is found. Two audiences may have become the same when a group was deleted.
    """

    __tablename__ = "audience"
    __table_args__ = (Index(None, "owner_id", "digest"), OWNER_WITH_TEXT)

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[Word]
    composition: Mapped[str] = mapped_column(Text)
    digest: Mapped[Digest]


class Card(Base):
    """
    The owner's profile rendered for one audience, whose id it shares.

    *body_3* and *body_4* are the card in vCard 3.0 and 4.0 without its first lines (BEGIN, VERSION, UID, REV), which
    are the entry's own, and without the picture that *picture* names: it belongs at the places *at_3* and *at_4*. These
    are absent where the card is kept whole. *digest* is a hash of both texts as they are with it.
    """

    __tablename__ = "card"
    __table_args__ = (
        ForeignKeyConstraint(["owner_id", "id"], ["audience.owner_id", "audience.id"], ondelete="CASCADE"),
        OWNER_WITH_TEXT,
    )

    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[Digest]
    changed_at: Mapped[Moment]
    body_3: Mapped[str] = mapped_column(Text)
    body_4: Mapped[str] = mapped_column(Text)
    picture: Mapped[Digest | None]
    at_3: Mapped[int | None] = mapped_column(Integer)
    at_4: Mapped[int | None] = mapped_column(Integer)


class DisclosedField(Base):
    """
    The card of this audience showed the field from version *since* of the profile on, and before version *until*.

    *until* is absent while it does. Together with `FieldState` and `DisclosedAudience` it tells what a viewer was ever
    shown. The audience may be gone.
    """

    __tablename__ = "disclosed_field"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    audience_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    field_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[Counter] = mapped_column(primary_key=True, autoincrement=False)
    until: Mapped[int | None] = mapped_column(BigInteger)


class DisclosedAudience(Base):
    """*viewer_id* was in this audience from version *since* of the owner's profile on, and before version *until*."""

    __tablename__ = "disclosed_audience"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    viewer_id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    since: Mapped[Counter] = mapped_column(primary_key=True, autoincrement=False)
    until: Mapped[int | None] = mapped_column(BigInteger)
    audience_id: Mapped[Id]


class Connection(Base):
    """
    *viewer_id* has the owner's card in their address book. The other direction is a row of its own.

    *hidden* means that the viewer deleted the entry on a device: it takes part in nothing until it is shown again.
    """

    __tablename__ = "connection"
    __table_args__ = (
        ForeignKeyConstraint(["owner_id", "audience_id"], ["audience.owner_id", "audience.id"]),
        Index(None, "owner_id", "audience_id", "viewer_id"),
        OWNER,
    )

    owner_id: Mapped[Id] = mapped_column(ForeignKey("profile.owner_id", ondelete="CASCADE"), primary_key=True)
    viewer_id: Mapped[Id] = mapped_column(BigInteger, primary_key=True)
    audience_id: Mapped[Id]
    hidden: Mapped[bool] = mapped_column(default=False)
    connected_at: Mapped[Moment]
