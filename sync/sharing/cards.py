"""
Cards: an owner's profile rendered once for each audience, and kept rendered.

A card is rewritten in the transaction of the change that it follows from, so what was taken back is gone from every
answer after that commit. A card whose text stays the same is not touched: nobody may learn that something changed
which they cannot see.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, exists, insert, select, update
from sqlalchemy.orm import Session

from sync import fields as catalogue
from sync.database.models import Account, Audience, Base, Card, Connection, Field, new_id
from sync.fields import FieldContent
from sync.sharing.visibility import Composition, grants_of

SELF = "self"
VIEWERS = "viewers"


@dataclass(frozen=True, slots=True)
class Rendering:
    """The text of a card in both versions, without its first lines, and a hash of them."""

    body_3: str
    body_4: str
    digest: str


def render(fields: Sequence[FieldContent], login: str, *, own: bool = False) -> Rendering:
    """
    Render *fields* for people who may see them all.

    *login* stands in for a name when none is among the fields. *own* is for the owner's eyes: media that are kept by
    reference stay in, which for anybody else would call on a server of the owner's choice, and a card without a name
    is called by what else is on it.
    """
    name = catalogue.called(fields, login) if own else login
    body_3 = catalogue.render(fields, "3.0", fallback_name=name, remote_media=own)
    body_4 = catalogue.render(fields, "4.0", fallback_name=name, remote_media=own)
    digest = hashlib.sha256(body_3.encode() + b"\0" + body_4.encode()).hexdigest()[:32]
    return Rendering(body_3, body_4, digest)


def content_of(field: Field) -> FieldContent:
    """Read the content of a stored field."""
    return FieldContent.load(field.kind, field.content)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """
    What `refresh` did.

    *changed*: the ids of the cards whose text is another now. A card that is new is not among them, because nobody held
    it. *visible*: ids of the fields on each card. *own*: the id of the card that the owner sees of themselves.
    """

    changed: list[int]
    visible: dict[int, frozenset[int]]
    own: int


def refresh(session: Session, owner_id: int, stored: Sequence[Field], at: int) -> Refreshed:
    """
    Bring every card of an owner up to date with the profile, whose fields are *stored*, and with the grants.

    The caller holds the owner's lock.
    """
    cards = session.execute(_CARDS, {"owner": owner_id}).all()
    grants = grants_of(session, owner_id)
    fields = [(field.id, content_of(field)) for field in stored]
    everything = frozenset(field_id for field_id, _ in fields)
    renderings: dict[tuple[bool, frozenset[int]], Rendering] = {}
    refreshed = Refreshed([], {}, next(card.id for card in cards if card.kind == SELF))
    new: list[dict[str, object]] = []
    rewritten: list[dict[str, object]] = []
    for card_id, kind, composition, digest, login in cards:
        own = kind == SELF
        visible = everything if own else grants.visible(Composition.load(composition)) & everything
        refreshed.visible[card_id] = visible
        rendering = renderings.get((own, visible))
        if rendering is None:
            chosen = [content for field_id, content in fields if field_id in visible]
            rendering = renderings[own, visible] = render(chosen, login, own=own)
        if rendering.digest != digest:
            values = {"body_3": rendering.body_3, "body_4": rendering.body_4, "digest": rendering.digest}
            if digest:
                rewritten.append({"owner": owner_id, "card": card_id, "at": at, **_renamed(values)})
                refreshed.changed.append(card_id)
            else:
                new.append({"owner_id": owner_id, "id": card_id, "changed_at": at, **values})
    if new:
        session.execute(insert(Card), new)
    if rewritten:
        session.execute(_REWRITE, rewritten)
    return refreshed


def size_of_own(session: Session, owner_id: int) -> int:
    """Return how many octets an owner's own card has, in the version in which it has more."""
    own = (Audience.owner_id == Card.owner_id) & (Audience.id == Card.id) & (Audience.kind == SELF)
    bodies = session.execute(select(Card.body_3, Card.body_4).join(Audience, own).where(Card.owner_id == owner_id))
    return max((len(body.encode()) for row in bodies for body in row), default=0)


def audience_for(session: Session, owner_id: int, composition: Composition, kind: str = VIEWERS) -> int:
    """Return the id of the owner's audience of this composition, made if there is none; `refresh` gives it a card."""
    found = session.scalars(
        select(Audience.id)
        .where(Audience.owner_id == owner_id, Audience.digest == composition.digest, Audience.kind == kind)
        .order_by(Audience.id)
        .limit(1)
    ).first()
    if found is not None:
        return found
    audience_id = new_id()
    session.execute(
        insert(Audience).values(
            owner_id=owner_id, id=audience_id, kind=kind, composition=composition.dump(), digest=composition.digest
        )
    )
    return audience_id


def digest_for(session: Session, owner_id: int, viewer_id: int) -> str:
    """Return the hash of the card that a connected viewer has of the owner, empty while it is still to be rendered."""
    found = session.scalars(
        select(Card.digest)
        .join(Connection, (Connection.owner_id == Card.owner_id) & (Connection.audience_id == Card.id))
        .where(Connection.owner_id == owner_id, Connection.viewer_id == viewer_id)
    ).first()
    return found or ""


def forget(
    session: Session, owner_id: int, *, groups: frozenset[int] = frozenset(), fields: frozenset[int] = frozenset()
) -> None:
    """Take *groups* and *fields* that no longer exist out of the audiences' compositions, without moving a viewer."""
    rows = session.execute(select(Audience.id, Audience.composition).where(Audience.owner_id == owner_id)).all()
    for audience_id, text in rows:
        before = Composition.load(text)
        after = before.without(groups=groups, fields=fields)
        if after != before:
            session.execute(
                update(Audience)
                .where(Audience.owner_id == owner_id, Audience.id == audience_id)
                .values(composition=after.dump(), digest=after.digest)
            )


def drop_unused(session: Session, owner_id: int) -> None:
    """Delete the audiences, with their cards, that no viewer is in any more."""
    used = exists().where(Connection.owner_id == Audience.owner_id, Connection.audience_id == Audience.id)
    session.execute(delete(Audience).where(Audience.owner_id == owner_id, Audience.kind == VIEWERS, ~used))


def _renamed(values: dict[str, str]) -> dict[str, str]:
    # The parameters of an update must not be called as its columns are.
    return {f"new_{name}": value for name, value in values.items()}


_CARDS = (
    select(Audience.id, Audience.kind, Audience.composition, Card.digest, Account.login)
    .join(Account, Account.id == Audience.owner_id)
    .outerjoin(Card, (Card.owner_id == Audience.owner_id) & (Card.id == Audience.id))
    .where(Audience.owner_id == bindparam("owner"))
)
_TABLE = Base.metadata.tables["card"]
_REWRITE = (
    update(_TABLE)
    .where(_TABLE.c.owner_id == bindparam("owner"), _TABLE.c.id == bindparam("card"))
    .values(changed_at=bindparam("at"), **{name: bindparam(f"new_{name}") for name in ("body_3", "body_4", "digest")})
)
