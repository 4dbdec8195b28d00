"""
What a browser is told of cards that changed: whose, and which kinds of fields say something new.

No value is in it, and no kind of which the reader is not shown anything at this moment. It is data, which the portal's
service worker puts into words; the language is the reader's choice, or that of the page that they allowed it on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.database.lists import among
from sync.models import Preferences, Profile, PushSubscription
from sync.push.messages import Notice
from sync.queries import activity, connected_people, member_news, told_members
from sync.queries.activity import FieldChange
from sync.revisions import rosters

#: How many people are named in one message, with how many kinds of fields, and how many characters of a name.
PEOPLE, KINDS, NAME = 3, 4, 60


def notice(session: Session, browser: PushSubscription, cards: Mapping[int, int]) -> Notice:
    """
    Return what there is to say of these owners' cards, each since a version of their profile.

    Those of organisations are told since a revision of the roster, where the reader still wants that.
    """
    viewer_id = browser.viewer_id
    chosen = told_members.told_from(session, viewer_id, told_members.IN_BROWSERS) if cards else {}
    chosen = {each: revision for each, revision in chosen.items() if each in cards}
    now = dict.fromkeys(cards, 0) | _versions(session, cards) | rosters.revisions_of(session, chosen)
    changed = activity.since(session, viewer_id, cards) if cards else {}
    fellows = member_news.since(session, viewer_id, told_members.positions(chosen, cards))
    if not changed and not fellows:
        return Notice(b"", now)
    names = connected_people.some(session, viewer_id, changed) if changed else {}
    told = [_told(each, names[each].name, changed[each]) for each in names]
    told += [
        {**_told(owner_id, each.name, each.changes), "member": True}
        for owner_id, each in fellows.items()
        if owner_id not in names
    ]
    content = {
        "language": _language(session, viewer_id) or browser.language or "",
        "people": told[:PEOPLE],
        "more": len(told[PEOPLE:]),
    }
    return Notice(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(), now)


def _told(owner_id: int, name: str, changes: Sequence[FieldChange]) -> dict[str, object]:
    kinds = list(dict.fromkeys(change.kind for change in changes))
    # A script would round so large a number.
    return {"id": str(owner_id), "name": name[:NAME], "kinds": kinds[:KINDS], "more": len(kinds[KINDS:])}


def _versions(session: Session, owners: Mapping[int, int]) -> dict[int, int]:
    found = select(Profile.owner_id, Profile.version).where(among(session, Profile.owner_id, list(owners)))
    return dict(session.execute(found).all())


def _language(session: Session, viewer_id: int) -> str | None:
    return session.scalars(select(Preferences.language).where(Preferences.owner_id == viewer_id)).first()
