"""What a person decided about being found and connected, and what counts until they do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import models
from sync.database.lists import among
from sync.models import Group

#: Who may connect: anyone at once; whoever answers the question at once; whoever the person confirms; nobody.
ANYONE, QUESTION, CONFIRM, NOBODY = "anyone", "question", "confirm", "nobody"
CONNECTING = (ANYONE, QUESTION, CONFIRM, NOBODY)
#: The language of whoever left it to each of their browsers; messages to them are in English.
EACH_BROWSER = ""


@dataclass(frozen=True, slots=True)
class Preferences:
    """
    What a person decided.

    By e-mail and phone somebody is found under addresses that they proved to be theirs, and by name only while
    strangers may see the name. *phone_decided* says that the person was asked about their number and has answered:
    until then nobody finds them by it. *connecting* is one of `CONNECTING`. *newcomers_group_id* is the group that new
    connections land in, None for none. *requests_by_sms* says that whoever is *told_of_requests* wants that by text
    message, where it can be. *language* is a BCP 47 tag, `EACH_BROWSER`, or None while nothing is known of it.
    """

    found_by_login: bool = True
    found_by_email: bool = True
    found_by_phone: bool = False
    found_by_name: bool = False
    connecting: str = CONFIRM
    question: str | None = None
    newcomers_group_id: int | None = None
    told_of_requests: bool = True
    requests_by_sms: bool = False
    phone_decided: bool = False
    language: str | None = None


def preferences_of(session: Session, owner_id: int) -> Preferences:
    """Return what a person decided; the defaults are for whoever did not, and for ids of nobody."""
    return preferences_of_many(session, [owner_id])[owner_id]


def preferences_of_many(session: Session, owner_ids: Collection[int]) -> dict[int, Preferences]:
    """Return by id what people decided, as `preferences_of` does."""
    stored = models.Preferences
    columns = [getattr(stored, name) for name in Preferences.__slots__ if name != "newcomers_group_id"]
    # A group that was deleted since is none.
    rows = session.execute(
        select(stored.owner_id, *columns, Group.id.label("newcomers_group_id"))
        .outerjoin(Group, (Group.owner_id == stored.owner_id) & (Group.id == stored.newcomers_group_id))
        .where(among(session, stored.owner_id, owner_ids))
    )
    found = dict.fromkeys(owner_ids, Preferences())
    names = [*(column.key for column in columns), "newcomers_group_id"]
    for owner_id, *values in rows:
        said = dict(zip(names, values, strict=True))
        # Columns that came later are empty in what was stored before.
        later = {name: bool(said[name]) for name in ("phone_decided", "requests_by_sms")}
        found[owner_id] = Preferences(**(said | later))
    return found
