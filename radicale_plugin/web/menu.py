"""The menu: the areas of the portal, in their order. An area is there as soon as its pages are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, request

from radicale_plugin.web.language import lazy as _
from radicale_plugin.web.portal import Portal


@dataclass(frozen=True, slots=True)
class Item:
    """
    A line of the menu. *title* and *about* are texts in the language of the answer.

    *also* are other areas whose pages are reached from this one.
    """

    area: str
    title: Any
    about: Any
    also: tuple[str, ...] = ()

    @property
    def endpoint(self) -> str:
        """The view that it leads to."""
        return f"{self.area}.index"

    @property
    def is_current(self) -> bool:
        """Whether the page that is shown is one of this area's."""
        return request.blueprint in (self.area, *self.also)


ITEMS = (
    Item("card", _("My card"), _("What you say about yourself, kept in one place.")),
    Item("sharing", _("Who sees what"), _("Choose which group sees which part of your card.")),
    Item("groups", _("Groups"), _("Sort the people whom you know.")),
    Item("people", _("People"), _("Everybody you are connected to.")),
    Item("find", _("Find people"), _("Look for somebody and connect."), ("invite", "links")),
    Item("requests", _("Requests"), _("Who asks to be connected to you, and whom you asked.")),
    Item("friends", _("Public friends"), _("Whom of your connections you show to the others.")),
    Item("activity", _("Activity"), _("What changed in the cards of people whom you know.")),
    Item("devices", _("Devices"), _("Set up a phone or another program.")),
    Item("settings", _("Settings"), _("Language, password, and how others find you.")),
)


def install(portal: Portal) -> None:
    """Let templates walk through ``menu``."""
    portal.context_processor(lambda: {"menu": present()})


def present() -> list[Item]:
    """Return the lines whose pages there are."""
    return [item for item in ITEMS if item.endpoint in current_app.view_functions]
