"""
Requests: asking somebody to be connected, and what they say.

Who asks is told nothing of a block or of a refusal for ever: such a request is waiting, and stays so. The two rows of a
request are each one's own; together they are the consent of two people, without which nobody is connected here.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Boolean, ColumnElement, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from sync.accounts.rate_limits import DAY, Limit, take
from sync.database.engine import settings_of
from sync.discovery import refusals
from sync.errors import AlreadyExists, InvalidInput, NotFound, Refused
from sync.meeting import pairs, request_messages
from sync.models import ACCEPTED, DECLINED, IN, OUT, REFUSED, WAITING, Request, now
from sync.sharing import connections
from sync.sharing.preferences import ANYONE
from sync.vcard import clean

MESSAGE_LENGTH = 500
#: How often one person may ask the same other one, whatever becomes of it.
REQUESTS_TO_ONE = Limit("ask one person", 2, 30 * DAY)


def ask(session: Session, asker_id: int, target_id: int, message: str = "", *, by_link: bool = False) -> bool:
    """
    Ask somebody to be connected, and return whether the two are at once: who lets anyone, or has asked the asker.

    One message goes out. For the asker it looks the same where the request reaches nobody. Who asks *by_link* was
    handed an invitation link by the other.

    Raises:
        InvalidInput: They are the same person, or the message is too long.
        NotFound: There is no such person.
        AlreadyExists: They are connected, or the asker waits for an answer already.
        Refused: The asker has blocked the other.
        TooManyTries: The asker asked so many people today, or this one so often.
    """
    message = checked_message(message)
    if asker_id == target_id:
        raise InvalidInput("Nobody can be connected to themselves.")
    with session.begin_nested():
        pairs.lock(session, asker_id, target_id)
        if connections.is_connected(session, asker_id, target_id):
            raise AlreadyExists("These two are connected already.")
        if refusals.has_blocked(session, asker_id, target_id):
            raise Refused("You have blocked this person; unblock them first.")
        if state(session, asker_id, OUT, target_id) == WAITING:
            raise AlreadyExists("You have asked this person already.")
        take(session, REQUESTS_TO_ONE, str(asker_id), str(target_id))
        take(session, Limit("ask", settings_of(session).limits.requests_a_day, DAY), str(asker_id))
        # Whoever asks has changed their mind about an earlier refusal of theirs.
        _delete(session, asker_id, IN, target_id, REFUSED)
        preferences = pairs.open_to(session, target_id, asker_id, by_link=by_link)
        lets = preferences is not None and preferences.connecting == ANYONE
        if lets or _has_asked(session, target_id, asker_id):
            pairs.join(session, asker_id, target_id)
            return True
        at = now()
        reached = preferences is not None
        put(session, (asker_id, OUT, target_id), message, at)
        put(session, (target_id, IN, asker_id), message, at, when=reached)
        request_messages.later(session, target_id, asker_id, at, when=reached)
    return False


def withdraw(session: Session, asker_id: int, target_id: int) -> None:
    """
    Take a request back, or forget that it was declined.

    Raises:
        NotFound: There is no such request.
    """
    with session.begin_nested():
        pairs.lock(session, asker_id, target_id)
        if not _delete(session, asker_id, OUT, target_id):
            raise NotFound("You have not asked this person.")
        mine = (Request.state == WAITING, Request.introducer_id.is_(None))
        session.execute(delete(Request).where(*_key(target_id, IN, asker_id), *mine))


def confirm(session: Session, owner_id: int, other_id: int, group_ids: Collection[int] | None = None) -> bool:
    """
    Say yes to a request or an introduction, and return whether the two are connected now.

    An introduction needs the other's yes as well. The other lands in the owner's groups *group_ids*, by default in the
    one for newcomers.

    Raises:
        NotFound: There is no such request, or no such group.
    """
    with session.begin_nested():
        request = _open(session, owner_id, other_id, WAITING)
        if request.introducer_id is None or pairs.consents(session, other_id, owner_id):
            pairs.join(session, owner_id, other_id, into=None if group_ids is None else {owner_id: group_ids})
            request_messages.of_acceptance(session, other_id, owner_id)
            return True
        _set(session, owner_id, IN, other_id, ACCEPTED)
    return False


def decline(session: Session, owner_id: int, other_id: int) -> None:
    """
    Say no to a request or an introduction, which the other is told when they look. They may ask again.

    Of an introduction that the other declined this leaves nothing, either.

    Raises:
        NotFound: There is no such request.
    """
    with session.begin_nested():
        if _open(session, owner_id, other_id, WAITING, ACCEPTED, DECLINED).introducer_id is None:
            _set(session, owner_id, IN, other_id, DECLINED)
        else:
            _delete(session, owner_id, IN, other_id)
        if state(session, other_id, OUT, owner_id) == WAITING:
            _set(session, other_id, OUT, owner_id, DECLINED)
        introduced = state(session, other_id, IN, owner_id)
        if introduced == ACCEPTED:
            _set(session, other_id, IN, owner_id, DECLINED)
        elif introduced == WAITING:
            _delete(session, other_id, IN, owner_id)


def refuse(session: Session, owner_id: int, other_id: int) -> None:
    """
    Say no for ever: nothing that the other asks reaches the owner any more, and the other is told nothing.

    Raises:
        NotFound: There is no such request.
    """
    with session.begin_nested():
        _open(session, owner_id, other_id, WAITING, ACCEPTED, DECLINED)
        _set(session, owner_id, IN, other_id, REFUSED)


def allow_again(session: Session, owner_id: int, other_id: int) -> None:
    """
    Let somebody ask again who was refused for ever.

    Raises:
        NotFound: The person was not refused for ever.
    """
    if not _delete(session, owner_id, IN, other_id, REFUSED):
        raise NotFound("This person was not declined for ever.")


def checked_message(text: str) -> str:
    """
    Return what somebody writes to somebody else as it is stored.

    Raises:
        InvalidInput: It is too long.
    """
    text = clean(text).strip()
    if len(text) > MESSAGE_LENGTH:
        raise InvalidInput(f"A message has at most {MESSAGE_LENGTH} characters.")
    return text


def state(session: Session, owner_id: int, direction: str, other_id: int) -> str | None:
    """Return the state of one side of a request, None where there is none."""
    return session.scalars(select(Request.state).where(*_key(owner_id, direction, other_id))).first()


def waits_for(session: Session, asker_id: int, other_id: int) -> bool:
    """Whether somebody has asked another and waits for an answer, as far as they are told."""
    return state(session, asker_id, OUT, other_id) == WAITING


def put(
    session: Session,
    side: tuple[int, str, int],
    message: str,
    at: int,
    *,
    introducer_id: int | None = None,
    when: bool = True,
) -> None:
    """
    Write one side of a request that waits (owner, direction, other), in place of an earlier one.

    Unless *when*, nothing is written, by the same statements: whoever asks must not learn it from the time they take.
    """
    wanted = literal(when, Boolean)
    row = {
        **dict(zip((Request.owner_id, Request.direction, Request.other_id), side, strict=True)),
        Request.state: WAITING,
        Request.message: message,
        Request.introducer_id: introducer_id,
        Request.asked_at: at,
    }
    session.execute(delete(Request).where(*_key(*side), wanted))
    values = select(*(literal(value, column.type) for column, value in row.items())).where(wanted)
    session.execute(insert(Request).from_select([column.key for column in row], values))


def _has_asked(session: Session, person_id: int, other_id: int) -> bool:
    return pairs.consents(session, person_id, other_id) and not refusals.barred(session, person_id, [other_id])


def _open(session: Session, owner_id: int, other_id: int, *states: str) -> Request:
    pairs.lock(session, owner_id, other_id)
    asked = select(Request).where(*_key(owner_id, IN, other_id), Request.state.in_(states))
    request = session.scalars(asked.execution_options(populate_existing=True)).first()
    if request is None or refusals.barred(session, owner_id, [other_id]):
        raise NotFound("There is no such request; it was decided or taken back.")
    return request


def _key(owner_id: int, direction: str, other_id: int) -> tuple[ColumnElement[bool], ...]:
    return Request.owner_id == owner_id, Request.direction == direction, Request.other_id == other_id


def _set(session: Session, owner_id: int, direction: str, other_id: int, to: str) -> None:
    changed = update(Request).where(*_key(owner_id, direction, other_id)).values(state=to, decided_at=now())
    session.execute(changed.execution_options(synchronize_session=False))


def _delete(session: Session, owner_id: int, direction: str, other_id: int, only: str = "") -> bool:
    gone = delete(Request).where(*_key(owner_id, direction, other_id)).returning(Request.other_id)
    return session.execute(gone.where(Request.state == only) if only else gone).first() is not None
