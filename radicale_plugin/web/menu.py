"""The menu: the areas of the portal, in their order. An area is there as soon as its pages are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, request

from radicale_plugin.web.language import lazy as _
from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import database, visitor
from sync.accounts.addresses import CHANNELS
from sync.meeting import overview


@dataclass(frozen=True, slots=True)
class Item:
    """
    A place of the menu. *title* and *about* are texts in the language of the answer.

    One that is *for_administrators* is there for nobody else. *also* are other areas, or views of such, whose pages are
    reached from this one. On a narrow screen there is room for five: one that *is_wide* is left out there, and *half*
    names the area that stands for it.
    """

    area: str
    icon: str
    title: Any
    about: Any
    also: tuple[str, ...] = ()
    is_wide: bool = False
    half: str = ""
    for_administrators: bool = False

    @property
    def endpoint(self) -> str:
        """The view that it leads to."""
        return f"{self.area}.index"

    @property
    def is_current(self) -> bool:
        """Whether the page that is shown is one of this area's."""
        if any(request.endpoint in item.also for item in ITEMS):
            return request.endpoint in self.also
        return request.blueprint in (self.area, *self.also)

    @property
    def is_near(self) -> bool:
        """Whether the page that is shown is one of the area for which this one stands on a narrow screen."""
        return any(item.half == self.area and item.is_current for item in ITEMS)


ITEMS = (
    Item("card", "card", _("My card"), _("What you say about yourself, kept in one place."), ("doubts", "household")),
    Item(
        "sharing",
        "eye",
        _("Who sees what"),
        _("Choose which group sees which part of your card."),
        ("ends",),
        is_wide=True,
        half="card",
    ),
    Item(
        "people",
        "people",
        _("People"),
        _("Everybody you are connected to, your groups, and who asks."),
        (
            *("contacts", "contact_fields", "contact_photo", "duplicates", "find", "friends", "groups", "requests"),
            *("members", "memberships", "shared_books", "doubts.of", "doubts.tell"),
        ),
    ),
    Item(
        "links",
        "share",
        _("Share"),
        _("Your code and links, and invitations."),
        ("card_links", "invite", "invite_many"),
    ),
    Item("activity", "activity", _("Activity"), _("What changed in the cards of people whom you know.")),
    Item(
        "settings",
        "settings",
        _("Settings"),
        _("Your devices, language, password, and how others find you."),
        ("account", "calendars", "devices", "lists", "notifications", "organisation", "shared_books.device"),
    ),
    Item(
        "administration",
        "star",
        _("Administration"),
        _("People, messages and health of this server."),
        is_wide=True,
        half="settings",
        for_administrators=True,
    ),
)


def install(portal: Portal) -> None:
    """Let templates walk through ``menu``, and say who is there, who asks, and what is to be finished."""
    portal.context_processor(_values)


def _values() -> dict[str, Any]:
    found = visitor()
    values: dict[str, Any] = {"menu": present(), "views": current_app.view_functions, "asking": 0, "own_name": ""}
    values["is_unproved"] = False
    if found is not None:
        with database().reading() as session:
            greeted = overview.greeting(session, found.account_id)
        values |= {"own_name": greeted.name, "asking": greeted.asking}
        values["is_unproved"] = not greeted.has_proved and _can_prove()
    return values


def _can_prove() -> bool:
    """Whether this server could send something to prove an address or a number."""
    settings = database().settings
    return bool(settings.base_url) and any(map(settings.sending.can_send, CHANNELS))


def present() -> list[Item]:
    """Return the places whose pages there are, for who is signed in."""
    found = visitor()
    is_administrator = found is not None and found.is_administrator
    there = [item for item in ITEMS if item.endpoint in current_app.view_functions]
    return [item for item in there if is_administrator or not item.for_administrators]
