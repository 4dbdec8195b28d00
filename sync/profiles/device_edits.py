"""What a device had of its owner's own card, and what of the card that it sends is nothing that the owner said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import fields
from sync.fields import FieldContent
from sync.fields.labels import is_stray
from sync.merging import three_way
from sync.merging.three_way import Base, NotKept
from sync.models import Account
from sync.pictures.past_fields import PastField
from sync.sharing.visibility import StoredField
from sync.vcard import VCard, parse_one

Had: TypeAlias = Sequence[PastField] | VCard | NotKept | None


class Login:
    """Somebody's login, which is asked for where it stands in for a name only."""

    def __init__(self, session: Session, owner_id: int) -> None:
        """Ask for that of this person when it is wanted."""
        self._session, self._owner_id = session, owner_id
        self._text: str | None = None

    @property
    def text(self) -> str:
        """The login."""
        if self._text is None:
            self._text = self._session.scalars(select(Account.login).where(Account.id == self._owner_id)).one()
        return self._text


def base_of(
    had: Had,
    incoming: Sequence[FieldContent],
    existing: Sequence[StoredField],
    contents: Sequence[FieldContent],
    login: Login,
) -> Base:
    """
    Return what a device had that sends *incoming*, linked with the fields that are *existing* and say *contents*.

    It *had* an earlier state of the profile, a card of its own that became another, `NotKept` where nobody knows, or
    None: what is now.
    """
    if had is None:
        return three_way.unchanged(contents)
    if isinstance(had, NotKept):
        return three_way.common(incoming, contents)
    if isinstance(had, VCard):
        sent, _ = fields.readable_fields(had)
        rest = [content for content in sent if content.main.name not in ("FN", "N")]
        return three_way.linked([content for content in sent if not is_made_of(rest, login, content)], contents)
    places = {field.id: index for index, field in enumerate(existing)}
    states = [FieldContent.load(state.kind, state.content) for state in had]
    return Base(states, [places.get(state.field_id) for state in had], [state.field_id for state in had])


def is_made_of(contents: Sequence[FieldContent], login: Login, content: FieldContent) -> bool:
    """Whether a name is what this server put into the card, for want of one among *contents*."""
    if content.main.name not in ("FN", "N") or any(field.main.name == content.main.name for field in contents):
        return False
    name = fields.called(contents, login.text)
    served = fields.export_card(contents, "3.0", uid="", revised=0, fallback_name=name)
    return any(fields.same_meaning(made, content) for made in fields.fields_of(parse_one(served)))


def is_left_over(contents: Sequence[FieldContent], content: FieldContent) -> bool:
    """Whether a line has lost what it belonged to, because a program wrote that anew and kept what it does not know."""
    return is_stray(content.main.name) and not any(fields.same_meaning(field, content) for field in contents)
