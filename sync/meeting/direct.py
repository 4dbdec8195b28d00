"""
Direct connections: with somebody who lets anyone connect, or by answering their question.

A wrong answer, nobody there, and a block are one and the same to whoever answers, in what they get and what it takes.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import models
from sync.accounts import slow_hash
from sync.accounts.preference_changes import normalize_answer
from sync.accounts.rate_limits import DAY, HOUR, Limit, take
from sync.database.engine import Database
from sync.discovery import refusals
from sync.errors import AlreadyExists, InvalidInput, NotFound
from sync.meeting import pairs
from sync.sharing import connections
from sync.sharing.preferences import ANYONE, QUESTION

#: How many answers one person may give to another, one source to one person, all people to one, one source, and all
#: together. Who wants to keep a person's friends from answering needs many places for it.
ANSWERS = Limit("answer", 3, DAY)
ANSWERS_TO_ONE_OF_SOURCE = Limit("answer one person from", 6, DAY)
ANSWERS_TO_ONE = Limit("answer one person", 50, DAY)
ANSWERS_OF_SOURCE = Limit("answer from", 30, HOUR)
ANSWERS_OF_ALL = Limit("answer at all", 2_000, HOUR)


def connect_directly(session: Session, asker_id: int, target_id: int) -> None:
    """
    Connect to somebody who lets anyone.

    Raises:
        InvalidInput: They are the same person.
        AlreadyExists: They are connected.
        NotFound: There is nobody who would let this person.
    """
    if asker_id == target_id:
        raise InvalidInput("Nobody can be connected to themselves.")
    with session.begin_nested():
        try:
            pairs.lock(session, asker_id, target_id)
        except NotFound as error:
            raise NotFound("This person has to be asked.") from error
        if connections.is_connected(session, asker_id, target_id):
            raise AlreadyExists("These two are connected already.")
        preferences = pairs.open_to(session, target_id, asker_id)
        if preferences is None or preferences.connecting != ANYONE:
            raise NotFound("This person has to be asked.")
        pairs.join(session, asker_id, target_id)


def answer(database: Database, asker_id: int, target_id: int, text: str, source: str) -> bool:
    """
    Answer somebody's question, and return whether the answer was right: then the two are connected.

    *source* is where the answer comes from (see `sync.accounts.rate_limits.source`). The try is counted before
    anything else.

    Raises:
        InvalidInput: They are the same person.
        AlreadyExists: They are connected.
        TooManyTries: This person, this source, or all together answered too often, or this target was answered so.
    """
    if asker_id == target_id:
        raise InvalidInput("Nobody can be connected to themselves.")

    def count(session: Session) -> None:
        take(session, ANSWERS, str(asker_id), str(target_id))
        take(session, ANSWERS_TO_ONE_OF_SOURCE, source, str(target_id))
        take(session, ANSWERS_TO_ONE, str(target_id))
        take(session, ANSWERS_OF_SOURCE, source)
        take(session, ANSWERS_OF_ALL)

    database.write(count)
    with database.reading() as session:
        if connections.is_connected(session, asker_id, target_id):
            raise AlreadyExists("These two are connected already.")
        stored = _hash(session, asker_id, target_id)
    # Outside of any transaction, because it takes a while.
    if not slow_hash.fits(stored, normalize_answer(text)):
        return False

    def join(session: Session) -> bool:
        pairs.lock(session, asker_id, target_id)
        if _hash(session, asker_id, target_id) != stored or connections.is_connected(session, asker_id, target_id):
            return False
        pairs.join(session, asker_id, target_id)
        return True

    return database.write(join)


def _hash(session: Session, asker_id: int, target_id: int) -> str | None:
    """Return the hash of the right answer, or None where there is none for whoever asks."""
    decided = models.Preferences
    hashed = session.scalars(select(decided.answer_hash).where(decided.owner_id == target_id)).first()
    preferences = pairs.open_to(session, target_id, asker_id)
    own_block = refusals.has_blocked(session, asker_id, target_id)
    return hashed if preferences is not None and preferences.connecting == QUESTION and not own_block else None
