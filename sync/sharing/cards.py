"""
Cards: an owner's profile rendered once for each audience, and kept rendered.

A card is rewritten in the transaction of the change that it follows from, so what was taken back is gone from every
answer after that commit. A card whose text stays the same is not touched: nobody may learn that something changed
which they cannot see.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Insert, Select, bindparam, delete, exists, insert, literal, select, update
from sqlalchemy.orm import Session

from sync import fields as catalogue
from sync.database.engine import settings_of
from sync.database.lists import among, among_parameter, ids
from sync.database.prepared import ask, execute_all, later
from sync.database.upserts import insert_into
from sync.disclosure import records
from sync.errors import LimitExceeded
from sync.fields import FieldContent
from sync.models import Account, Audience, Base, Card, CardLink, Connection, DisclosedField, Field, Membership, new_id
from sync.pictures import keeping
from sync.pictures.columns import whole_cards, with_card
from sync.sharing.unit_of_work import EVERYTHING, Change, Extent
from sync.sharing.visibility import Composition, StoredField, ask_grants, grants_in
from sync.sorting import list_keys

SELF = "self"
VIEWERS = "viewers"
#: Of whoever has the address of a card (`sync.card_links`): they are in one group, and connected to nobody.
LINK = "link"
#: Of the members of an organisation: they are in its built-in group, and connected or not.
ORGANISATION = "organisation"
_BODIES = (Card.body_3, Card.body_4)


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


def content_of(field: StoredField | Field) -> FieldContent:
    """Read the content of a stored field."""
    return FieldContent.load(field.kind, field.content)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """
    What `refresh` did.

    *changed*: the hashes, by id, of the cards whose text is another now. A card that is new is not among them, because
    nobody held it. *own*: the id of the card that the owner sees of themselves. *linked*: the ids of those that changed
    which people without an account are shown, *rostered* of those that members of organisations are.
    """

    changed: Mapping[int, str]
    own: int
    linked: frozenset[int]
    rostered: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Held:
    """
    A card that is there, or missing, which is what an empty *digest* says; *visible* is what it has to show.

    *picture* is what was cut out of it, if anything.
    """

    id: int
    kind: str
    visible: frozenset[int]
    digest: str
    login: str
    picture: str | None

    @property
    def own(self) -> bool:
        """Whether the owner alone sees it."""
        return self.kind == SELF


def refresh(
    session: Session, owner_id: int, stored: Sequence[StoredField], version: int, at: int, extent: Extent = EVERYTHING
) -> Refreshed:
    """
    Bring an owner's cards up to date with the profile, whose fields are *stored* and whose *version* this is.

    Only those are looked at that show, or showed, something of *extent*, and only those are rendered that show
    something of it now or show other fields than before. The caller holds the owner's lock.

    Raises:
        LimitExceeded: The owner's own card became too large.
    """
    held = _looked_at(session, owner_id, frozenset([field.id for field in stored]), extent)
    visible = {each.id: each.visible for each in held} if extent.is_about_sight else {}
    other_fields = records.show(session, owner_id, visible, version) if visible else frozenset[int]()
    renderer = _Renderer(stored)
    keeper, before = keeping.Keeper(session, owner_id), set[str | None]()
    new, rewritten, listed = list[dict[str, Any]](), list[dict[str, Any]](), list[dict[str, Any]]()
    for each in held:
        if extent.everything or not each.digest or each.id in other_fields or each.visible & extent.fields:
            rendered = renderer.of(each)
            if rendered.digest != each.digest:
                if each.own and extent.fields:
                    _check_size(session, owner_id, rendered)
                row = {"owner": owner_id, "card": each.id, "at": at, "new_digest": rendered.digest}
                row |= keeper.card(rendered.body_3, rendered.body_4)
                (rewritten if each.digest else new).append(row)
                before |= {each.picture} - {row["new_picture"]}
            elif extent.everything and each.picture:
                keeper.card(rendered.body_3, rendered.body_4)
            if not each.own and (extent.everything or rendered.digest != each.digest):
                listed.append(_listed(owner_id, each, rendered))
    for statement, rows in (
        (keeping.KEEP, keeper.pictures),
        (keeping.WRITE, new),
        (keeping.REWRITE, rewritten),
        (_list_keys(_dialect(session)), listed),
        (keeping.LET_GO, [{"owner": owner_id}] if any(before) else []),
    ):
        execute_all(session, statement, rows)
    changed = {row["card"]: row["new_digest"] for row in rewritten}
    linked, rostered = (
        frozenset(each.id for each in held if each.kind == kind and each.id in changed) for kind in (LINK, ORGANISATION)
    )
    return Refreshed(changed, next(each.id for each in held if each.own), linked, rostered)


def size_of_own(session: Session, owner_id: int) -> int:
    """Return how many octets an owner's own card has, in the version in which it has more."""
    own = (Audience.owner_id == Card.owner_id) & (Audience.id == Card.id) & (Audience.kind == SELF)
    chosen = with_card(select(Card.id).join(Audience, own).where(Card.owner_id == owner_id), *_BODIES)
    return max((_size(*row[1:]) for row in whole_cards(session.execute(chosen), *_BODIES)), default=0)


def _size(*bodies: str) -> int:
    return max(len(body.encode()) for body in bodies)


def _check_size(session: Session, owner_id: int, rendered: Rendering) -> None:
    """Make sure that a card does not grow beyond what it may have; one that was larger may become smaller."""
    limit, size = settings_of(session).limits.profile_size, _size(rendered.body_3, rendered.body_4)
    if size > limit and size > size_of_own(session, owner_id):
        raise LimitExceeded(f"A whole card has at most {limit // 1024} kB; this would make it {size // 1024 + 1} kB.")


def audience_for(under_way: Change, owner_id: int, composition: Composition, kind: str = VIEWERS) -> int:
    """Return the id of the owner's audience of this composition, made if there is none; `refresh` gives it a card."""
    return audiences_for(under_way, owner_id, [composition], kind)[composition]


def audiences_for(
    under_way: Change, owner_id: int, compositions: Collection[Composition], kind: str = VIEWERS
) -> dict[Composition, int]:
    """Return the ids of the owner's audiences of these compositions, as `audience_for` does, however many they are."""
    session, wanted = under_way.session, {each.digest: each for each in compositions}
    values = {"owner": owner_id, "kind": kind, "digests": list(wanted)}
    # Of two that became the same, always the same one.
    found = {digest: audience_id for audience_id, digest in session.execute(_AUDIENCES, values)}
    made = {digest: new_id() for digest in sorted(wanted.keys() - found.keys())}
    if made:
        rows = [
            {
                "owner_id": owner_id,
                "id": made[digest],
                "kind": kind,
                "composition": wanted[digest].dump(),
                "digest": digest,
            }
            for digest in made
        ]
        session.execute(insert(Audience), rows)
        under_way.made[owner_id].update(made.values())
    return {wanted[digest]: audience_id for digest, audience_id in (found | made).items()}


def digests_for(session: Session, owner_id: int, viewer_ids: Collection[int]) -> dict[int, str]:
    """Return by viewer the hash of the card that they have of the owner; what is still to be rendered is left out."""
    found = session.execute(
        select(Connection.viewer_id, Card.digest)
        .join(Card, (Connection.owner_id == Card.owner_id) & (Connection.audience_id == Card.id))
        .where(Connection.owner_id == owner_id, among(session, Connection.viewer_id, viewer_ids))
    )
    return dict(found.all())


def forget(
    session: Session, owner_id: int, *, groups: frozenset[int] = frozenset(), fields: frozenset[int] = frozenset()
) -> None:
    """Take *groups* and *fields* that no longer exist out of the audiences' compositions, without moving a viewer."""
    rows = session.execute(select(Audience.id, Audience.composition).where(Audience.owner_id == owner_id)).all()
    changed = list[dict[str, Any]]()
    for audience_id, text in rows:
        before = Composition.load(text)
        after = before.without(groups=groups, fields=fields)
        if after != before:
            said = {"new_composition": after.dump(), "new_digest": after.digest}
            changed.append({"owner": owner_id, "audience": audience_id, **said})
    if changed:
        session.execute(_RECOMPOSE, changed)


def drop_unused(session: Session, owner_id: int, audience_ids: Collection[int]) -> None:
    """Delete those of these audiences, with their cards, that nobody is in and no link shows any more."""
    if not audience_ids:
        return
    owner = literal(owner_id, BigInteger)
    used = exists().where(Connection.owner_id == owner, Connection.audience_id == Audience.id)
    linked = exists().where(CardLink.owner_id == owner, CardLink.audience_id == Audience.id)
    rostered = exists().where(Membership.owner_id == owner, Membership.audience_id == Audience.id)
    mine = (Audience.owner_id == owner, Audience.kind != SELF, among(session, Audience.id, audience_ids))
    unused = delete(Audience).where(*mine, ~used, ~linked, ~rostered)
    session.execute(unused.execution_options(synchronize_session=False))
    later(session, keeping.LET_GO, {"owner": owner_id})


def composition_in(kind: str, text: str) -> Composition:
    """Return what an audience of this kind is made of; *text* is what `Composition.dump` wrote."""
    return Composition.load(text, connected=kind not in (LINK, ORGANISATION))


def _looked_at(session: Session, owner_id: int, existing: frozenset[int], extent: Extent) -> list[_Held]:
    """Return the owner's own card, and the others that show, or showed, something of *extent*."""
    dialect = _dialect(session)
    concerned = {"fields": ids(dialect, extent.fields | extent.regranted), "made": ids(dialect, extent.made)}
    # Who comes to see a field is known by the groups and exceptions only, so these of all audiences are read.
    every = extent.everything or bool(extent.regranted)
    rows = ask(session, _cards(dialect, every=every), {"owner": owner_id, **concerned})
    grants, held = grants_in(ask_grants(session, owner_id)), list[_Held]()
    for card_id, kind, composition, digest, login, picture, showed in rows.rows:
        own = kind == SELF
        visible = existing if own else grants.visible(composition_in(kind, composition)) & existing
        if extent.everything or own or card_id in extent.made or showed or visible & extent.regranted:
            held.append(_Held(card_id, kind, visible, digest or "", login, picture))
    return held


class _Renderer:
    """Renders a profile for those who may see some of its fields: once for all who may see the same."""

    def __init__(self, stored: Sequence[StoredField]) -> None:
        """Render from these fields."""
        self._fields = [(field.id, content_of(field)) for field in stored]
        self._rendered: dict[tuple[bool, frozenset[int]], Rendering] = {}

    def of(self, held: _Held) -> Rendering:
        """Return what a card has to say."""
        key = held.own, held.visible
        if key not in self._rendered:
            chosen = [content for field_id, content in self._fields if field_id in held.visible]
            self._rendered[key] = made = render(chosen, held.login, own=held.own)
            if catalogue.reads_alike(chosen):
                self._rendered[not held.own, held.visible] = made
        return self._rendered[key]


def _listed(owner_id: int, held: _Held, rendered: Rendering) -> dict[str, Any]:
    said = list_keys.of_card(rendered.body_3, held.login)._asdict()
    return {"owner": owner_id, "card": held.id, **{f"new_{name}": value for name, value in said.items()}}


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


@functools.cache
def _cards(dialect: str, *, every: bool) -> Select[int, str, str, str, str, str | None, bool]:
    showed = exists().where(
        DisclosedField.owner_id == Audience.owner_id,
        DisclosedField.audience_id == Audience.id,
        among_parameter(dialect, DisclosedField.field_id, "fields"),
        DisclosedField.until.is_(None),
    )
    found = (
        select(Audience.id, Audience.kind, Audience.composition, Card.digest, Account.login, Card.picture, showed)
        .join(Account, Account.id == Audience.owner_id)
        .outerjoin(Card, (Card.owner_id == Audience.owner_id) & (Card.id == Audience.id))
        .where(Audience.owner_id == bindparam("owner"))
    )
    made = among_parameter(dialect, Audience.id, "made")
    return found if every else found.where((Audience.kind == SELF) | made | showed)


_AUDIENCES = (
    select(Audience.id, Audience.digest)
    .where(
        Audience.owner_id == bindparam("owner"),
        Audience.kind == bindparam("kind"),
        Audience.digest.in_(bindparam("digests", expanding=True)),
    )
    .order_by(Audience.id.desc())
)
_AUDIENCE_TABLE = Base.metadata.tables["audience"]
_RECOMPOSE = (
    update(_AUDIENCE_TABLE)
    .where(_AUDIENCE_TABLE.c.owner_id == bindparam("owner"), _AUDIENCE_TABLE.c.id == bindparam("audience"))
    .values({name: bindparam(f"new_{name}") for name in ("composition", "digest")})
)


@functools.cache
def _list_keys(dialect: str) -> Insert:
    table = Base.metadata.tables["card_list_key"]
    said: dict[str, Any] = {name: bindparam(f"new_{name}") for name in list_keys.ListKeys._fields}
    made = insert_into(dialect, table).values(owner_id=bindparam("owner"), id=bindparam("card"), **said)
    setting: Insert = made.on_conflict_do_update(index_elements=table.primary_key.columns, set_=said)
    return setting
