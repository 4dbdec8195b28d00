"""What a person decided about the digest, and the link in each by which its reader ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from sync.database import accounts
from sync.database.server_keys import key_for
from sync.digests import changes, times
from sync.errors import InvalidInput, InvalidOneTimeToken
from sync.models import Digest, now

#: What the page is called that a digest's link to end it leads to.
PURPOSE = "digest"


@dataclass(frozen=True, slots=True)
class Choice:
    """Whether somebody wants the digest, and at which *hour* of which *time_zone*."""

    is_wanted: bool = False
    hour: int = times.HOUR
    time_zone: str = times.TIME_ZONE


def choice_of(session: Session, viewer_id: int) -> Choice:
    """Return what a person decided; until they do, they get none."""
    chosen = select(Digest.is_wanted, Digest.hour, Digest.time_zone).where(Digest.viewer_id == viewer_id)
    row = session.execute(chosen).first()
    return Choice(*row) if row is not None else Choice()


def want(session: Session, viewer_id: int, hour: int, time_zone: str) -> None:
    """
    Tell a person once a day, at this hour, whose cards changed; the first time of what changes from now on.

    Raises:
        InvalidInput: There is no such hour or time zone.
        NotFound: There is no such person.
    """
    if not 0 <= hour <= 23:
        raise InvalidInput("An hour is a number from 0 to 23.")
    if time_zone not in times.time_zones():
        raise InvalidInput("There is no such time zone; write it as Europe/Berlin or Asia/Shanghai.")
    with session.begin_nested():
        accounts.lock(session, viewer_id)
        stored = select(Digest.is_wanted, Digest.sent_at).where(Digest.viewer_id == viewer_id)
        before = session.execute(stored).first()
        next_at = times.next_time(hour, time_zone, now(), before.sent_at if before is not None else None)
        values = {"is_wanted": True, "hour": hour, "time_zone": time_zone, "next_at": next_at}
        if before is None:
            session.execute(insert(Digest).values(viewer_id=viewer_id, revision=0, **values))
        if before is None or not before.is_wanted:
            values["revision"] = changes.begin(session, viewer_id)
        _set(session, viewer_id, **values)


def stop(session: Session, viewer_id: int) -> None:
    """Send a person no more digests. Doing it twice is the same as once."""
    with session.begin_nested():
        _set(session, viewer_id, is_wanted=False)
        changes.forget(session, viewer_id)


def signer(session: Session) -> Callable[[int], str]:
    """Return what makes for a person what the link in their digest carries: it ends this, and allows nothing else."""
    serializer = _serializer(session)
    return lambda viewer_id: str(serializer.dumps(viewer_id))


def check(session: Session, token: str) -> None:
    """
    Make sure that a link's *token* is one of ours. Nothing is stored.

    Raises:
        InvalidOneTimeToken: It was made up or changed.
    """
    _read(session, token)


def stop_by_token(session: Session, token: str) -> None:
    """
    Send no more digests to whom a link's *token* is for. Doing it twice is the same as once.

    Raises:
        InvalidOneTimeToken: It was made up or changed.
    """
    stop(session, _read(session, token))


def _set(session: Session, viewer_id: int, **values: object) -> None:
    changed = update(Digest).where(Digest.viewer_id == viewer_id).values(**values)
    session.execute(changed.execution_options(synchronize_session=False))


def _read(session: Session, token: str) -> int:
    try:
        return int(_serializer(session).loads(token))
    except (BadData, UnicodeError, TypeError, ValueError) as error:
        raise InvalidOneTimeToken from error


def _serializer(session: Session) -> URLSafeSerializer:
    return URLSafeSerializer(key_for(session, PURPOSE), salt="evercard/digest")
