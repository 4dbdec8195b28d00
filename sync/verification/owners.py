"""What must be true of people as owners: the profile, and the cards made of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from sync.database.engine import settings_of
from sync.errors import InvalidInput
from sync.fields import FieldContent
from sync.models import RENDERING, Audience, Card, CardListKey, Field, Grant, Group, LoginName, Profile
from sync.pictures.columns import whole_cards, with_card
from sync.profiles import renewing
from sync.sharing import cards
from sync.sharing.visibility import CONNECTED, CONNECTIONS, GROUP, STRANGERS, Composition, Grants
from sync.sorting import list_keys
from sync.verification.reading import Page, Problem


def accounts_of(page: Page) -> Iterator[Problem]:
    """Yield what is wrong with people's logins, profiles and built-in groups."""
    claims = select(LoginName.name, LoginName.account_id).where(LoginName.name.in_(sorted(page.logins.values())))
    claimed = dict(page.session.execute(claims).all())
    profiles = page.rows(select(Profile.owner_id), Profile.owner_id)
    kinds = page.rows(select(Group.owner_id, Group.kind), Group.owner_id)
    own = page.rows(select(Audience.owner_id).where(Audience.kind == cards.SELF), Audience.owner_id)
    for account_id, login in page.logins.items():
        if login not in claimed:
            yield account_id, "The login is claimed by nobody."
        elif claimed[login] != account_id:
            yield account_id, "The login is claimed by another account."
        if not profiles[account_id]:
            yield account_id, "There is no profile."
        counts = Counter(kind for (kind,) in kinds[account_id])
        for kind in (STRANGERS, CONNECTIONS):
            if counts[kind] != 1:
                yield account_id, f"There are {counts[kind]} groups of {kind}, not one."
        if (count := len(own[account_id])) != 1:
            yield account_id, f"There are {count} audiences for the person's own card, not one."


def cards_of(page: Page) -> Iterator[Problem]:
    """Yield what is wrong with people's audiences and their cards: above all, a text that is not what may be seen."""
    fields = _fields(page)
    groups = page.rows(select(Group.owner_id, Group.id, Group.name), Group.owner_id)
    grants, limit = grants_of(page), settings_of(page.session).limits.profile_size
    for owner_id, contents in fields.items():
        if contents is None:
            yield owner_id, "A field of the profile cannot be read."
        elif any(renewing.is_too_large(content) for _, content in contents):
            yield (
                owner_id,
                "The photo of the profile is larger than a photo may be; `evercard render` makes it smaller.",
            )
    renewed = renewed_of(page)
    for owner_id, rows in page.stream(_CARDS, Audience.owner_id, Audience.id):
        readable = fields[owner_id]
        if readable is not None:
            said = (page.logins[owner_id], readable, dict(groups[owner_id]), grants[owner_id])
            owner = _Owner(*said, limit, is_renewed=owner_id in renewed)
            whole = whole_cards(rows, *_BODIES)
            yield from ((owner_id, problem) for row in whole for problem in owner.problems_of(_audience(row)))


_CARDS = select(
    Audience.owner_id,
    Audience.id,
    Audience.kind,
    Audience.composition,
    Audience.digest,
    Card.digest,
    *(getattr(CardListKey, name) for name in list_keys.ListKeys._fields),
)
_CARDS = _CARDS.outerjoin(Card, (Card.owner_id == Audience.owner_id) & (Card.id == Audience.id))
_CARDS = _CARDS.outerjoin(CardListKey, (CardListKey.owner_id == Card.owner_id) & (CardListKey.id == Card.id))
_BODIES = (Card.body_3, Card.body_4)
_CARDS = with_card(_CARDS, *_BODIES)


@dataclass(frozen=True, slots=True)
class _Audience:
    """An audience with its card, which has no digest where there is none, and what lists know of it."""

    id: int
    kind: str
    composition: str
    digest: str
    card_digest: str | None
    body_3: str
    body_4: str
    keys: list_keys.ListKeys | None


@dataclass(frozen=True, slots=True)
class _Owner:
    """
    What somebody's cards are made of: *fields* by their ids, names of *groups*, what these are granted, a limit.

    *is_renewed* is false for what an earlier release wrote, which lists know nothing of.
    """

    login: str
    fields: Sequence[tuple[int, FieldContent]]
    groups: Mapping[int, str]
    grants: Grants
    limit: int
    is_renewed: bool

    def problems_of(self, audience: _Audience) -> Iterator[str]:
        """Yield what is wrong with an audience and its card."""
        composition = composition_in(audience.composition, audience.kind)
        if composition is None:
            yield f"The composition of audience {audience.id} cannot be read."
            return
        own, existing = audience.kind == cards.SELF, frozenset(field_id for field_id, _ in self.fields)
        name = "for the person's own card" if own else f"of {self._named(composition)}"
        if composition.digest != audience.digest or (own and composition != CONNECTED):
            yield f"The audience {name} cannot be found by its hash."
        if composition.groups - self.groups.keys() or (composition.allowed | composition.withheld) - existing:
            yield f"The audience {name} is made of groups or fields that do not exist."
        visible = existing if own else self.grants.visible(composition) & existing
        chosen = [content for field_id, content in self.fields if field_id in visible]
        if audience.card_digest is None:
            yield f"The audience {name} has no card."
            return
        rendering = cards.render(chosen, self.login, own=own)
        yield from _card(audience, rendering, name)
        said = (rendering.body_3, self.login)
        if not own and is_wrong(audience.keys, list_keys.of_card, *said, is_renewed=self.is_renewed):
            yield f"What lists know of the card of the audience {name} is not what it says."
        if own and max(len(body.encode()) for body in (audience.body_3, audience.body_4)) > self.limit:
            yield f"The whole card is larger than {self.limit} octets."

    def _named(self, composition: Composition) -> str:
        names = sorted(self.groups.get(group, "?") for group in composition.groups) or [CONNECTIONS]
        exceptions = len(composition.allowed) + len(composition.withheld)
        return " and ".join(names) + (f" with {exceptions} exceptions" if exceptions else "")


def renewed_of(page: Page) -> set[int]:
    """Return those of whom lists must know: what is of the others is still to be written as this release does."""
    found = page.rows(select(Profile.owner_id, Profile.rendering), Profile.owner_id)
    return {owner_id for owner_id, rows in found.items() for (rendering,) in rows if (rendering or 0) >= RENDERING}


def is_wrong(stored: object, right: Callable[..., object], *said: str, is_renewed: bool) -> bool:
    """Whether what is *stored* for lists, None for nothing, is not what is *right* by what is *said*."""
    return is_renewed if stored is None else stored != right(*said)


def composition_in(text: str, kind: str = cards.VIEWERS) -> Composition | None:
    """Read what an audience of this kind is made of, or return None where that cannot be read."""
    try:
        return cards.composition_in(kind, text)
    except (ValueError, TypeError):
        return None


def grants_of(page: Page) -> dict[int, Grants]:
    """Return by person all that they granted."""
    statement = select(Group.owner_id, Group.id, Group.kind, Grant.field_id).join(
        Grant, (Grant.owner_id == Group.owner_id) & (Grant.group_id == Group.id)
    )
    return {owner_id: _grants(rows) for owner_id, rows in page.rows(statement, Group.owner_id).items()}


def _grants(rows: Sequence[Any]) -> Grants:
    by_group: dict[int, set[int]] = {}
    built_in: dict[str, frozenset[int]] = {}
    for group_id, kind, field_id in rows:
        by_group.setdefault(group_id, set()).add(field_id)
        if kind != GROUP:
            built_in[kind] = frozenset(by_group[group_id])
    each = {group_id: frozenset(fields) for group_id, fields in by_group.items()}
    return Grants(built_in.get(STRANGERS, frozenset()), each, built_in.get(CONNECTIONS, frozenset()))


def _fields(page: Page) -> dict[int, list[tuple[int, FieldContent]] | None]:
    """Return by person what their profile says, in its order; None where that cannot be read."""
    columns = (Field.owner_id, Field.id, Field.kind, Field.content)
    rows = page.rows(select(*columns).order_by(Field.owner_id, Field.position, Field.id), Field.owner_id)
    return {owner_id: _contents(those) for owner_id, those in rows.items()}


def _contents(rows: Sequence[Any]) -> list[tuple[int, FieldContent]] | None:
    try:
        return [(field_id, FieldContent.load(kind, content)) for field_id, kind, content in rows]
    except (InvalidInput, ValueError, TypeError):
        return None


def _audience(row: Any) -> _Audience:
    _, *audience, body_3, body_4 = row
    keys = None if audience[5] is None else list_keys.ListKeys(*audience[5:])
    return _Audience(*(*audience[:5], body_3, body_4, keys))


def _card(audience: _Audience, rendering: cards.Rendering, name: str) -> Iterator[str]:
    if (audience.body_3, audience.body_4) != (rendering.body_3, rendering.body_4):
        yield f"The card of the audience {name} is not what the profile and the grants say now."
    bodies = audience.body_3.encode() + b"\0" + audience.body_4.encode()
    if audience.card_digest != hashlib.sha256(bodies).hexdigest()[:32]:
        yield f"The hash of the card of the audience {name} is not that of its text."
