"""
Telling people by e-mail or text message what somebody asks of them: once, and only those who want to be told.

Whether anybody is told depends on whom it is about, so the worker decides it (see `sync.notify.errands`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from sync.accounts import addresses, one_time_tokens
from sync.accounts.rate_limits import DAY, Limit, take
from sync.database.engine import settings_of
from sync.discovery.public_profiles import public_profiles
from sync.errors import TooManyTries
from sync.models import IN, NOBODY, WAITING, Request
from sync.notify import errands, outbox
from sync.sharing.preferences import preferences_of

#: The purpose of the one-time token that a message about a request carries.
REQUEST = "request"
LIFETIME = 30 * DAY
#: So many messages a person gets, whoever asks; what is asked beyond that waits for them in the portal.
TOLD = Limit("told of requests", 10, DAY)
#: So many of these are text messages, of one person and of all together, because each costs money; the others are
#: e-mails, where there is an address.
TEXTS = Limit("told by text message", 3, DAY)
TEXTS_OF_ALL = Limit("anybody told by text message", 500, DAY)


def later(session: Session, owner_id: int, other_id: int, asked_at: int, *, when: bool) -> None:
    """
    Leave it to the worker to tell a person what was asked of them at *asked_at*, with a link that lets them decide.

    Unless *when*, nobody is told, by the same statements: nothing was asked of them.
    """
    settings = settings_of(session)
    if settings.base_url and any(settings.sending.can_send(channel) for channel in addresses.CHANNELS):
        told = owner_id if when else NOBODY
        errands.post(session, REQUEST, owner_id=told, other_id=other_id, asked_at=asked_at)


def send(session: Session, left: Mapping[str, Any]) -> None:
    """Do what `later` left: tell the person, where it is still for them to decide."""
    row = session.get(Request, (left["owner_id"], IN, left["other_id"]), populate_existing=True)
    if row is None or row.state != WAITING or row.asked_at != left["asked_at"]:
        return
    if row.introducer_id is None:
        _of_request(session, row)
    else:
        _of_introduction(session, row, row.introducer_id)


def _of_request(session: Session, row: Request) -> None:
    _tell_to_decide(session, row.owner_id, row.other_id, row.asked_at, "request", message=row.message or "")


def _of_introduction(session: Session, row: Request, introducer_id: int) -> None:
    named = public_profiles(session, [introducer_id])
    if introducer_id in named:
        said = {"introducer": named[introducer_id].name, "message": row.message or ""}
        _tell_to_decide(session, row.owner_id, row.other_id, row.asked_at, "introduction", **said)


def of_acceptance(session: Session, asker_id: int, other_id: int) -> None:
    """Tell who asked that the other has confirmed, and that the two are connected."""
    ways = _ways(session, asker_id)
    named = public_profiles(session, [other_id])
    if ways and other_id in named:
        link = f"{settings_of(session).base_url}/.web/people"
        _post(session, asker_id, ways, "accepted", name=named[other_id].name, link=link)


def _tell_to_decide(session: Session, owner_id: int, other_id: int, asked_at: int, template: str, **said: str) -> None:
    ways = _ways(session, owner_id)
    named = public_profiles(session, [other_id])
    if not ways or other_id not in named:
        return
    try:
        take(session, TOLD, str(owner_id))
    except TooManyTries:
        return
    values = {"other_id": other_id, "asked_at": asked_at}
    token = one_time_tokens.issue(session, REQUEST, owner_id, values, lifetime=LIFETIME)
    link = outbox.link(session, REQUEST, token)
    _post(session, owner_id, ways, template, name=named[other_id].name, link=link, **said)


def _post(session: Session, owner_id: int, ways: Sequence[tuple[str, str]], template: str, **said: str) -> None:
    language = preferences_of(session, owner_id).language or "en"
    for channel, recipient in ways:
        if channel == addresses.SMS and not _may_text(session, owner_id):
            continue
        if outbox.post(session, channel, recipient, template, language, **said):
            return


def _may_text(session: Session, owner_id: int) -> bool:
    try:
        take(session, TEXTS, str(owner_id))
        take(session, TEXTS_OF_ALL)
    except TooManyTries:
        return False
    return True


def _ways(session: Session, owner_id: int) -> list[tuple[str, str]]:
    """Return channel and address of each way to whoever wants to be told, what they chose first."""
    preferences, settings = preferences_of(session, owner_id), settings_of(session)
    if not preferences.told_of_requests or not settings.base_url:
        return []
    ways: dict[str, str] = {}
    for channel, value in addresses.addresses_of(session, owner_id):
        if settings.sending.can_send(channel):
            ways.setdefault(channel, value)
    return sorted(ways.items(), key=lambda way: (way[0] == addresses.SMS) != preferences.requests_by_sms)
