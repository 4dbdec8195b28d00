"""What people are to somebody whom they are not connected to: a login, a name, and what strangers may see."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import fields
from sync.database.engine import among
from sync.fields import FieldContent
from sync.fields.media import MEDIA
from sync.models import Account
from sync.sharing.cards import content_of
from sync.sharing.visibility import shown_to_strangers


@dataclass(frozen=True, slots=True)
class PublicProfile:
    """
    Somebody as anybody may see them.

    *name* is the login where strangers see none. *fields* are what strangers may see, without pictures, sounds and
    keys, which `sync.queries.previews.for_audience` has. *shows* says whether strangers may see anything at all.
    """

    account_id: int
    login: str
    name: str
    fields: tuple[FieldContent, ...]
    has_photo: bool
    shows: bool


def public_profiles(session: Session, account_ids: Collection[int]) -> dict[int, PublicProfile]:
    """Return these people by id; ids of nobody, and of people who are shut out, are left out."""
    open_accounts = select(Account.id, Account.login).where(
        among(session, Account.id, account_ids), Account.disabled_at.is_(None)
    )
    shown = shown_to_strangers(session, account_ids)
    found = {}
    for account_id, login in session.execute(open_accounts):
        contents = [content_of(field) for field in shown.get(account_id, ())]
        light = tuple(content for content in contents if content.main.name not in MEDIA)
        photo = any(content.main.name == "PHOTO" for content in contents)
        name = fields.full_name(contents, login)
        found[account_id] = PublicProfile(account_id, login, name, light, photo, bool(contents))
    return found
