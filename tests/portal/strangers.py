"""People whom Anna, one of the demo's people, does not know yet, and what goes on between her and them."""

from __future__ import annotations

from collections.abc import Mapping

from sync import fields, meeting
from sync.accounts import preference_changes, registration
from sync.accounts.preference_changes import ANYONE, Preferences
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import NotFound
from sync.meeting import introductions, invitation_links, pairs
from sync.profiles import profiles
from sync.sharing import grants, groups
from sync.sharing.visibility import STRANGERS
from tests.support.pictures import portrait

#: What all of them are found by.
NAME = "Vogel"
QUESTION, ANSWER = "Where did we go to school?", "Kiel"


def met(session: Session, ids: Mapping[str, int]) -> dict[str, int]:
    """
    Return the ids of the strangers by their logins, made if there are none.

    Gerda asks a question, Hugo asked Anna, Anna asked Jan, anyone may connect to Kim; Lea is blocked, Mia was declined
    for ever, and Ivy, whom Anna knows, introduces her to Nils and shows her Bo, David and Emil.
    """
    try:
        return {login: accounts.find(session, login) for login in ("gerda", "hugo", "jan", "kim", "lea", "mia", "nils")}
    except NotFound:
        pass
    people = {login: stranger(session, login) for login in ("gerda", "hugo", "jan", "kim", "lea", "mia", "nils")}
    anna, ivy = ids["anna"], ids["ivy"]
    preference_changes.set_question(session, people["gerda"], QUESTION, ANSWER)
    decided = Preferences(found_by_name=True, connecting=ANYONE)
    preference_changes.set_preferences(session, people["kim"], decided)
    meeting.ask(session, people["hugo"], anna, "We met on the ferry.\nDo you remember?")
    meeting.ask(session, people["mia"], anna)
    meeting.refuse(session, anna, people["mia"])
    meeting.ask(session, anna, people["jan"], "Hello, Jan!")
    meeting.block(session, anna, people["lea"])
    pairs.join(session, ivy, people["nils"])
    introductions.introduce(session, ivy, anna, people["nils"], "You both climb.")
    for login in ("bo", "david", "emil", "nils"):
        introductions.publish(session, ivy, ids.get(login) or people[login])
    introductions.publish(session, anna, ids["bo"])
    introductions.publish(session, anna, ids["emil"])
    return people


def link_of(session: Session, owner_id: int) -> int:
    """Return the id of a link of a person's, made if there is none."""
    made = invitation_links.links_of(session, owner_id)
    return made[0].id if made else invitation_links.create(session, owner_id, label="Reunion", uses=20)


def stranger(session: Session, login: str) -> int:
    """Register somebody who shows strangers a name and a hobby, and new connections a number."""
    account_id = registration.create(session, login)
    shown = [
        fields.field_from_text("name", f"{login.title()} {NAME}"),
        fields.field_from_text("hobby", "Chess"),
        *([fields.field_from_photo(portrait(len(login)))] if login in ("gerda", "hugo") else []),
    ]
    strangers = groups.find(session, account_id, STRANGERS).id
    field_ids = [profiles.add_field(session, account_id, content) for content in shown]
    grants.grant(session, account_id, strangers, field_ids)
    mobile = profiles.add_field(session, account_id, fields.field_from_text("mobile", "+49 151 5555 0123"))
    group_id = groups.create(session, account_id, "New")
    grants.grant(session, account_id, group_id, [mobile])
    preference_changes.set_preferences(
        session, account_id, Preferences(found_by_name=True, newcomers_group_id=group_id)
    )
    return account_id
