"""How people find each other and get connected, or do not."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from sync.models.base import Base, Id, Moment, Word
from sync.models.owners import OWNER, OWNER_WITH_TEXT

#: `Request.direction`: of who was asked, and of who asks.
IN, OUT = "in", "out"
#: `Request.state`.
WAITING, ACCEPTED, DECLINED, REFUSED = "waiting", "accepted", "declined", "refused"


class Preferences(Base):
    """
    What a person decided about being found and connected.

    Absent until they decide something: `sync.accounts.preference_changes` has what counts until then.

    *connecting* is who may connect: ``anyone``, ``question`` (whoever answers it), ``confirm``, or ``nobody``.
    *answer_hash* is the argon2id hash of the normalised answer. *newcomers_group_id* is the group that new connections
    land in, absent for none. *language* is a BCP 47 tag, empty where each browser decides, absent while nothing is
    known of it. *phone_decided* says that the person has answered whether they want to be found by their number; absent
    is no. *requests_by_sms* says that they want to be told of requests by text message, where that is possible; absent
    is no.
    """

    __tablename__ = "preferences"
    __table_args__ = OWNER_WITH_TEXT

    owner_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    found_by_login: Mapped[bool]
    found_by_email: Mapped[bool]
    found_by_phone: Mapped[bool]
    found_by_name: Mapped[bool]
    connecting: Mapped[Word]
    question: Mapped[str | None] = mapped_column(String(200))
    answer_hash: Mapped[str | None] = mapped_column(String(255))
    newcomers_group_id: Mapped[int | None] = mapped_column(BigInteger)
    told_of_requests: Mapped[bool]
    phone_decided: Mapped[bool | None]
    requests_by_sms: Mapped[bool | None]
    language: Mapped[str | None] = mapped_column(String(16))


class Address(Base):
    """
    An e-mail address or phone number that a person has proved to be theirs.

    *channel* is ``email`` or ``sms``; *value* as `sync.accounts.addresses` normalises it (E.164 for a number). Nobody
    else is shown it because of this row.
    """

    __tablename__ = "address"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    channel: Mapped[Word] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(String(254), primary_key=True)
    verified_at: Mapped[Moment]


class SearchKey(Base):
    """
    Somebody who looks for *key* finds this person. Present only while the person wants to be found by it.

    *key* is ``login:``, ``email:``, ``sms:`` or ``name:`` and what is looked for, normalised. Several people may have
    the same name, and a family may share an address. ``own:`` and an e-mail address is by what its owner signs in;
    nobody is found by it.
    """

    __tablename__ = "search_key"
    __table_args__ = {"info": {"spread_by": "key"}, "sqlite_with_rowid": False}

    key: Mapped[str] = mapped_column(String(300), primary_key=True)
    account_id: Mapped[Id] = mapped_column(primary_key=True)


class OwnSearchKey(Base):
    """The keys of `SearchKey` that a person is found by, so that they can be taken back."""

    __tablename__ = "own_search_key"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(300), primary_key=True)


class Block(Base):
    """The owner wants nothing to do with the other, who is told nothing of it."""

    __tablename__ = "block"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[Id] = mapped_column(primary_key=True)
    blocked_at: Mapped[Moment]


class Request(Base):
    """
    Somebody asks somebody to be connected, as one of the two sees it; the other's row is their own.

    *direction* is ``in`` for who was asked and ``out`` for who asks. *state* is ``waiting``, ``accepted``,
    ``declined`` or ``refused`` (for ever); the row of who asks goes on saying ``waiting`` after a refusal.
    *introducer_id* is the person who brought the two together, absent when nobody did.
    """

    __tablename__ = "request"
    __table_args__ = OWNER_WITH_TEXT

    owner_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    direction: Mapped[Word] = mapped_column(primary_key=True)
    other_id: Mapped[Id] = mapped_column(primary_key=True)
    state: Mapped[Word]
    message: Mapped[str] = mapped_column(String(500))
    introducer_id: Mapped[int | None] = mapped_column(BigInteger)
    asked_at: Mapped[Moment]
    decided_at: Mapped[int | None] = mapped_column(BigInteger)


class InvitationLink(Base):
    """
    A link (or QR code) of a person's, to be handed to others.

    Whoever opens it asks to be connected, or is connected at once where *at_once*. *secret_hash* is that of the link's
    secret. *uses_left* is absent where it may be used any number of times. *group_id* is the group that people who
    come by it land in, absent for that of newcomers.
    """

    __tablename__ = "invitation_link"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[Id] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(String(100))
    at_once: Mapped[bool]
    group_id: Mapped[int | None] = mapped_column(BigInteger)
    uses_left: Mapped[int | None] = mapped_column(Integer)
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)


class Invitation(Base):
    """
    Somebody without an account was invited, once, at *value* by *channel* (as in `Address`).

    *source* is where it was asked for (see `sync.accounts.rate_limits.source`) while it waits because the owner invited
    as many as they may that day; it is absent once it is on its way. *group_id* is the group that whoever accepts lands
    in, absent for that of newcomers.
    """

    __tablename__ = "invitation"
    __table_args__ = OWNER_WITH_TEXT

    owner_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    channel: Mapped[Word] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(String(254), primary_key=True)
    message: Mapped[str] = mapped_column(String(500))
    invited_at: Mapped[Moment]
    source: Mapped[str | None] = mapped_column(String(64))
    group_id: Mapped[int | None] = mapped_column(BigInteger)


class PublicFriend(Base):
    """The owner lets their other connections see that they know this friend."""

    __tablename__ = "public_friend"
    __table_args__ = OWNER

    owner_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    friend_id: Mapped[Id] = mapped_column(primary_key=True)
    published_at: Mapped[Moment]


class LinkedEntry(Base):
    """
    A private entry that became one with a connection's entry; *card* and *added* undo it.

    *card* is the private entry's text; *added* is what it added to the overlay, as `sync.books.overlays.dump` writes
    it.
    """

    __tablename__ = "linked_entry"
    __table_args__ = (Index(None, "viewer_id", "linked_at"), {"info": {"spread_by": "viewer_id"}})

    viewer_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    owner_id: Mapped[Id] = mapped_column(primary_key=True)
    entry_id: Mapped[Id] = mapped_column(primary_key=True)
    card: Mapped[str] = mapped_column(Text)
    added: Mapped[str] = mapped_column(Text)
    linked_at: Mapped[Moment]


class KeptApart(Base):
    """
    Two entries of the viewer's that they said are two people, so that nobody asks again.

    *entry_id* is the lower of both ids.
    """

    __tablename__ = "kept_apart"
    __table_args__ = ({"info": {"spread_by": "viewer_id"}},)

    viewer_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    entry_id: Mapped[Id] = mapped_column(primary_key=True)
    other_id: Mapped[Id] = mapped_column(primary_key=True)
    said_at: Mapped[Moment]


class MergedEntry(Base):
    """
    A private entry that was merged into another one; *card* and *before* undo it for a while.

    *card* are the bytes of the entry that is gone, *before* those that *kept_id* had until then.
    """

    __tablename__ = "merged_entry"
    __table_args__ = (Index(None, "viewer_id", "merged_at"), {"info": {"spread_by": "viewer_id"}})

    viewer_id: Mapped[Id] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
    gone_id: Mapped[Id] = mapped_column(primary_key=True)
    kept_id: Mapped[Id]
    card: Mapped[bytes] = mapped_column(LargeBinary)
    before: Mapped[bytes] = mapped_column(LargeBinary)
    merged_at: Mapped[Moment]
