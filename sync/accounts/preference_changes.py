"""Preferences: how a person changes what they decided about being found and connected."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from sync import models
from sync.accounts import slow_hash
from sync.database import accounts
from sync.errors import InvalidInput, NotFound
from sync.models import Address, Group, Profile
from sync.sharing import search_keys
from sync.sharing.preferences import (
    ANYONE,
    CONFIRM,
    CONNECTING,
    EACH_BROWSER,
    NOBODY,
    QUESTION,
    Preferences,
    preferences_of,
)
from sync.sharing.visibility import GROUP
from sync.vcard import clean

QUESTION_LENGTH = 200
ANSWER_LENGTH = 200
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}", re.ASCII)


def set_preferences(session: Session, owner_id: int, preferences: Preferences) -> None:
    """
    Decide about being found and connected; it works at once. The question is left as it is: see `set_question`.

    Raises:
        InvalidInput: There is no such way of connecting, no question that could be answered, or no such language.
        NotFound: There is no such person, or no such group of theirs.
    """
    if preferences.connecting not in CONNECTING:
        raise InvalidInput(f"Who may connect is one of {', '.join(CONNECTING)}.")
    _require_language(preferences.language)
    with session.begin_nested():
        _lock(session, owner_id)
        if preferences.connecting == QUESTION and preferences_of(session, owner_id).question is None:
            raise InvalidInput("There is no question that could be answered; set one first.")
        _require_group(session, owner_id, preferences.newcomers_group_id)
        values = dataclasses.asdict(preferences)
        del values["question"]
        # Whoever wants to be found by their number need not be asked.
        values["phone_decided"] = preferences.phone_decided or preferences.found_by_phone
        _store(session, owner_id, values)
        search_keys.renew(session, owner_id)


def change_preferences(session: Session, owner_id: int, **changes: Any) -> None:
    """
    Decide anew about some of `Preferences`, by their names, and leave the others as they are at that moment.

    Raises:
        InvalidInput, NotFound: As in `set_preferences`.
    """
    with session.begin_nested():
        _lock(session, owner_id)
        set_preferences(session, owner_id, dataclasses.replace(preferences_of(session, owner_id), **changes))


def decide_about_number(session: Session, owner_id: int, *, found: bool) -> None:
    """
    Answer the question whether others find one by one's number, which nobody does until then.

    Raises:
        NotFound: There is no such person.
    """
    change_preferences(session, owner_id, found_by_phone=found, phone_decided=True)


def is_asked_about_number(session: Session, owner_id: int) -> bool:
    """Whether a person has proved a number, and has not said yet whether others may find them by it."""
    proved = select(Address.value).where(Address.owner_id == owner_id, Address.channel == "sms")
    return session.scalars(proved).first() is not None and not preferences_of(session, owner_id).phone_decided


def keep_language(session: Session, owner_id: int, language: str) -> None:
    """
    Take the language of a person's browser for theirs, if nothing is known of that yet: it is that of messages, too.

    Raises:
        InvalidInput: There is no such language.
        NotFound: There is no such person.
    """
    with session.begin_nested():
        _lock(session, owner_id)
        if preferences_of(session, owner_id).language is None:
            set_language(session, owner_id, language)


def set_language(session: Session, owner_id: int, language: str) -> None:
    """
    Decide about the language of the portal and of messages; `EACH_BROWSER` leaves it to the browser.

    Raises:
        InvalidInput: There is no such language.
        NotFound: There is no such person.
    """
    _require_language(language)
    with session.begin_nested():
        _lock(session, owner_id)
        _store(session, owner_id, {"language": language})


def set_newcomers_group(session: Session, owner_id: int, group_id: int | None) -> None:
    """
    Decide which group new connections land in; None for none.

    Raises:
        NotFound: There is no such person, or no such group of theirs.
    """
    with session.begin_nested():
        _lock(session, owner_id)
        _require_group(session, owner_id, group_id)
        _store(session, owner_id, {"newcomers_group_id": group_id})


def set_question(session: Session, owner_id: int, question: str, answer: str) -> None:
    """
    Let whoever answers a question connect at once.

    Raises:
        InvalidInput: The question or the answer is empty or too long.
        NotFound: There is no such person.
    """
    question = " ".join(clean(question).split())
    if not question or len(question) > QUESTION_LENGTH:
        raise InvalidInput(f"A question has 1 to {QUESTION_LENGTH} characters.")
    said = normalize_answer(answer)
    if not said or len(answer) > ANSWER_LENGTH:
        raise InvalidInput(f"An answer has 1 to {ANSWER_LENGTH} letters or digits.")
    hashed = slow_hash.make(said)
    with session.begin_nested():
        _lock(session, owner_id)
        _store(session, owner_id, {"connecting": QUESTION, "question": question, "answer_hash": hashed})
        search_keys.renew(session, owner_id)


def remove_question(session: Session, owner_id: int) -> None:
    """
    Ask no question any more; whom it would have let connect, the person confirms from now on.

    Raises:
        NotFound: There is no such person.
    """
    with session.begin_nested():
        _lock(session, owner_id)
        before = preferences_of(session, owner_id).connecting
        connecting = CONFIRM if before == QUESTION else before
        _store(session, owner_id, {"connecting": connecting, "question": None, "answer_hash": None})


def normalize_answer(text: str) -> str:
    """Return an answer as it is compared: NFKC, without case, spaces and punctuation: ``１９ Main St.`` fits."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", clean(text[:ANSWER_LENGTH])).casefold())
    printed = "".join(letter for letter in plain if unicodedata.category(letter)[0] not in "CZ")
    # An answer such as “:-)” is made of nothing else.
    kept = "".join(letter for letter in printed if unicodedata.category(letter)[0] != "P") or printed
    # What stood apart may have come to stand together.
    return unicodedata.normalize("NFKC", kept)


def _lock(session: Session, owner_id: int) -> None:
    # The account first, as whoever connects two people does, so that nobody gets in by what was just taken back; then
    # the profile, whose holder keeps the keys.
    accounts.lock(session, owner_id)
    session.execute(select(Profile.version).where(Profile.owner_id == owner_id).with_for_update())


def _require_language(language: str | None) -> None:
    if language and not _LANGUAGE.fullmatch(language):
        raise InvalidInput("A language is written as en or zh-Hans.")


def _require_group(session: Session, owner_id: int, group_id: int | None) -> None:
    own = select(Group.id).where(Group.owner_id == owner_id, Group.id == group_id, Group.kind == GROUP)
    if group_id is not None and session.scalars(own).first() is None:
        raise NotFound("There is no such group.")


def _store(session: Session, owner_id: int, values: dict[str, object]) -> None:
    stored = models.Preferences
    changed = update(stored).where(stored.owner_id == owner_id).values(**values).returning(stored.owner_id)
    if session.execute(changed).first() is None:
        everything = dataclasses.asdict(Preferences()) | {"answer_hash": None} | values
        session.execute(insert(stored).values(owner_id=owner_id, **everything))


__all__ = [
    "ANYONE",
    "CONFIRM",
    "CONNECTING",
    "EACH_BROWSER",
    "NOBODY",
    "QUESTION",
    "Preferences",
    "change_preferences",
    "decide_about_number",
    "is_asked_about_number",
    "keep_language",
    "normalize_answer",
    "preferences_of",
    "remove_question",
    "set_language",
    "set_newcomers_group",
    "set_preferences",
    "set_question",
]
