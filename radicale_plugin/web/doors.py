"""The ways in for who is new here (see `newcomers`): an invitation, a link, or just the address of the portal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import url_for

from radicale_plugin.web import signed_in
from radicale_plugin.web.handed_out import speak_as
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.newcomers import Door
from radicale_plugin.web.signed_in import database, portal, visitor
from sync.database.engine import Session
from sync.discovery import public_photos
from sync.meeting import invitation_links, invitations, requests
from sync.meeting.first_card import FirstCard
from sync.sign_in import signing_up

T = TypeVar("T")


def open_door() -> Door:
    """Return the way in where anybody may sign up."""

    def sign_up(login: str, password: str, card: FirstCard) -> tuple[str, str]:
        source, browser = signed_in.source(), signed_in.browser()
        made = signing_up.sign_up(database(), login, password, source=source, browser=browser, then=card.write)
        return made[1], ""

    return Door("signing/sign_up.html", url_for("signing.sign_up"), sign_up)


def invitation_door(token: str) -> Door:
    """
    Return the way in by an invitation.

    Raises:
        InvalidTicket: As in `sync.meeting.invitations.open_invitation`.
    """
    invited = look(lambda session: invitations.open_invitation(session, token, _opener()))

    def sign_up(login: str, password: str, card: FirstCard) -> tuple[str, str]:
        who, inside = invitations.sign_up(database(), token, login, password, **_where(), card=card)
        return inside, _told(who.name, connected=who.at_once)

    return Door(
        "mail_links/invitation.html",
        url_for("mail_links.sign_up_invited"),
        sign_up,
        token=token,
        inviter=invited.name,
        channel=invited.channel,
        address=invited.address,
        values=_values("invitation", token, invited.inviter_id) | {"invited": invited},
    )


def link_door(token: str) -> Door:
    """
    Return the way in by a link that somebody handed out.

    Raises:
        InvalidTicket: As in `sync.meeting.invitation_links.open_link`.
    """
    opened = look(lambda session: invitation_links.open_link(session, token, _opener()))

    def sign_up(login: str, password: str, card: FirstCard) -> tuple[str, str]:
        connected, inside = invitation_links.sign_up(database(), token, login, password, **_where(), card=card)
        return inside, _told(opened.name, connected=connected)

    return Door(
        "mail_links/join.html",
        url_for("mail_links.sign_up_joining"),
        sign_up,
        token=token,
        inviter=opened.name,
        values=_values("join", token, opened.owner_id) | {"opened": opened},
    )


def look(read: Callable[[Session], T]) -> T:
    """Return what a link says; whoever sends nonsense keeps nobody from writing."""
    # The server's key, which these need, was made when the portal started.
    with database().reading() as session:
        return read(session)


def _told(name: str, *, connected: bool) -> str:
    told = _("You are connected with %(name)s.", name=name)
    return told if connected else _("You have asked. As soon as they confirm, you are connected.")


def _values(endpoint: str, token: str, account_id: int) -> dict[str, Any]:
    speak_as(account_id)
    back = url_for(f"mail_links.{endpoint}", token=token)
    picture = look(lambda session: public_photos.public_photo(session, None, account_id))
    photo = url_for(f"mail_links.{endpoint}_photo", token=token) if picture is not None else ""
    return {
        "photo": photo,
        "sign_in": url_for("signing.sign_in", next=back),
        "origin": portal().place.origin,
        "has_asked": _has_asked(account_id),
    }


def _has_asked(account_id: int) -> bool:
    """Whether whoever is signed in waits for an answer of this person, whose link connects nobody at once."""
    me = _opener()
    return me is not None and look(lambda session: requests.waits_for(session, me, account_id))


def _opener() -> int | None:
    found = visitor()
    return found.account_id if found else None


def _where() -> dict[str, str]:
    return {"source": signed_in.source(), "browser": signed_in.browser()}
