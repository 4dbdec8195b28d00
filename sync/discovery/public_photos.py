"""The picture that strangers may see of somebody."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.discovery import refusals
from sync.fields.media import encoded_data, octets_of
from sync.models import Account
from sync.sharing.cards import content_of
from sync.sharing.visibility import shown_to_strangers

_PHOTO = "photo"


def public_photo(session: Session, viewer_id: int | None, account_id: int) -> bytes | None:
    """
    Return the JPEG that strangers may see of a person, or None.

    There is none of who shows strangers none, of nobody, of who is shut out, and where one of the two has blocked the
    other; *viewer_id* is absent where nobody is signed in.
    """
    open_account = select(Account.id).where(Account.id == account_id, Account.disabled_at.is_(None))
    shown = shown_to_strangers(session, [account_id], kinds=[_PHOTO]).get(account_id, [])
    barred = set() if viewer_id is None else refusals.barred(session, viewer_id, [account_id])
    if session.scalars(open_account).first() is None or barred:
        return None
    pictures = (octets_of(encoded_data(content_of(field).main)) for field in shown)
    return next((picture for picture in pictures if picture is not None), None)
