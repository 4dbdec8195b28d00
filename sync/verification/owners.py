"""What must be true of a person as an owner: the profile, the cards made of it, and who is connected."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sync.database.engine import among, settings_of
from sync.errors import InvalidInput
from sync.fields import FieldContent
from sync.models import Account, Audience, Card, Connection, Entry, Group, LoginName, Profile
from sync.profiles import renewing
from sync.revisions.address_books import HIDDEN, PRESENT
from sync.sharing import cards
from sync.sharing.connections import CONNECTION
from sync.sharing.visibility import (
    CONNECTED,
    CONNECTIONS,
    STRANGERS,
    Composition,
    compositions_of,
    fields_of,
    grants_of,
)

#: Viewers that one statement names.
_PAGE = 1_000


def account(session: Session, account_id: int) -> Iterator[str]:
    """Yield what is wrong with a person's login, profile and built-in groups."""
    login = session.scalars(select(Account.login).where(Account.id == account_id)).one()
    claimed = session.scalars(select(LoginName.account_id).where(LoginName.name == login)).first()
    if claimed != account_id:
        yield "The login is claimed by nobody." if claimed is None else "The login is claimed by another account."
    if session.get(Profile, account_id) is None:
        yield "There is no profile."
    for kind in (STRANGERS, CONNECTIONS):
        built_in = select(func.count()).where(Group.owner_id == account_id, Group.kind == kind)
        if (count := session.scalars(built_in).one()) != 1:
            yield f"There are {count} groups of {kind}, not one."
    own = select(func.count()).where(Audience.owner_id == account_id, Audience.kind == cards.SELF)
    if (count := session.scalars(own).one()) != 1:
        yield f"There are {count} audiences for the person's own card, not one."


def cards_of(session: Session, owner_id: int) -> Iterator[str]:
    """Yield what is wrong with a person's audiences and their cards: above all, a text that is not what may be seen."""
    try:
        fields = [(field.id, cards.content_of(field)) for field in fields_of(session, owner_id)]
    except (InvalidInput, ValueError, TypeError):
        yield "A field of the profile cannot be read."
        return
    login = session.scalars(select(Account.login).where(Account.id == owner_id)).one()
    named = select(Group.id, Group.name).where(Group.owner_id == owner_id)
    groups = {group_id: name for group_id, name in session.execute(named)}  # noqa: C416 - rows are no pairs to mypy
    yield from _sizes(session, owner_id, [content for _, content in fields])
    grants = grants_of(session, owner_id)
    existing = frozenset(field_id for field_id, _ in fields)
    for audience in session.scalars(select(Audience).where(Audience.owner_id == owner_id)):
        own = audience.kind == cards.SELF
        composition = composition_in(audience)
        if composition is None:
            yield f"The composition of audience {audience.id} cannot be read."
            continue
        name = "for the person's own card" if own else f"of {_named(composition, groups)}"
        if composition.digest != audience.digest or (own and composition != CONNECTED):
            yield f"The audience {name} cannot be found by its hash."
        if composition.groups - groups.keys() or (composition.allowed | composition.withheld) - existing:
            yield f"The audience {name} is made of groups or fields that do not exist."
        visible = existing if own else grants.visible(composition) & existing
        chosen = [content for field_id, content in fields if field_id in visible]
        yield from _card(session.get(Card, (owner_id, audience.id)), cards.render(chosen, login, own=own), name)


def composition_in(audience: Audience) -> Composition | None:
    """Read what an audience is made of, or return None where that cannot be read."""
    try:
        return Composition.load(audience.composition)
    except (ValueError, TypeError):
        return None


def _sizes(session: Session, owner_id: int, fields: list[FieldContent]) -> Iterator[str]:
    """Yield what is larger than what a device may send back."""
    if any(map(renewing.is_too_large, fields)):
        yield "The photo of the profile is larger than a photo may be; `evercard render` makes it smaller."
    limit = settings_of(session).limits.profile_size
    if cards.size_of_own(session, owner_id) > limit:
        yield f"The whole card is larger than {limit} octets."


def _named(composition: Composition, groups: Mapping[int, str]) -> str:
    names = sorted(groups.get(group, "?") for group in composition.groups) or [CONNECTIONS]
    exceptions = len(composition.allowed) + len(composition.withheld)
    return " and ".join(names) + (f" with {exceptions} exceptions" if exceptions else "")


def _card(card: Card | None, rendering: cards.Rendering, name: str) -> Iterator[str]:
    if card is None:
        yield f"The audience {name} has no card."
        return
    if (card.body_3, card.body_4) != (rendering.body_3, rendering.body_4):
        yield f"The card of the audience {name} is not what the profile and the grants say now."
    if card.digest != hashlib.sha256(card.body_3.encode() + b"\0" + card.body_4.encode()).hexdigest()[:32]:
        yield f"The hash of the card of the audience {name} is not that of its text."


def connections_of(session: Session, owner_id: int) -> Iterator[str]:
    """Yield what is wrong with a person's connections, and with the entries that these make in other people's books."""
    people = compositions_of(session, owner_id)
    audiences = {
        audience.id: composition_in(audience)
        for audience in session.scalars(select(Audience).where(Audience.owner_id == owner_id))
    }
    connected: set[int] = set()
    rows = select(Connection.viewer_id, Connection.audience_id, Connection.hidden)
    pages = session.execute(rows.where(Connection.owner_id == owner_id)).partitions(_PAGE)
    for page in pages:
        viewers = [viewer_id for viewer_id, _, _ in page]
        connected.update(viewers)
        back = frozenset(
            session.scalars(
                select(Connection.owner_id).where(
                    among(session, Connection.owner_id, viewers), Connection.viewer_id == owner_id
                )
            )
        )
        entries = {
            entry.viewer_id: entry
            for entry in session.scalars(
                select(Entry).where(among(session, Entry.viewer_id, viewers), Entry.id == owner_id)
            )
        }
        for viewer_id, audience_id, hidden in page:
            if viewer_id not in back:
                yield f"{login_of(session, viewer_id)} is not connected back."
            if audiences.get(audience_id) != people.get(viewer_id, CONNECTED):
                yield f"{login_of(session, viewer_id)} is in another audience than their groups and exceptions make."
            for problem in _shown(entries.get(viewer_id), audience_id, HIDDEN if hidden else PRESENT):
                yield f"{login_of(session, viewer_id)} {problem}"
    for viewer_id in people.keys() - connected:
        yield f"{login_of(session, viewer_id)} is in a group or has an exception without being connected."


def _shown(entry: Entry | None, audience_id: int, state: str) -> Iterator[str]:
    if entry is None or entry.kind != CONNECTION:
        yield "has no entry for the connection."
        return
    if entry.state != state:
        yield f"has an entry that is {entry.state}, not {state}."
    if entry.card_id != audience_id:
        yield "has an entry that shows another card than that of their audience."


def login_of(session: Session, account_id: int) -> str:
    """Return the login of an account, or words for one that does not exist."""
    login = session.scalars(select(Account.login).where(Account.id == account_id)).first()
    return login or f"Account {account_id}, which does not exist,"
