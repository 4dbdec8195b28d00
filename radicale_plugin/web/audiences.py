"""Groups as pages name them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from radicale_plugin.web.language import gettext as _
from sync.sharing.groups import GroupSummary
from sync.sharing.visibility import CONNECTIONS, GROUP, ORGANISATION, STRANGERS


@dataclass(frozen=True, slots=True)
class Audience:
    """
    A group that something may be shown to.

    *is_everybody* is true of strangers, *is_organisation* of an organisation's members, and *is_built_in* of these
    and of the group of all connections.
    """

    id: int
    title: str
    members: int
    is_everybody: bool
    is_built_in: bool
    is_organisation: bool = False


def audiences(found: Iterable[GroupSummary]) -> list[Audience]:
    """Return groups as they are offered: strangers first, then all connections."""
    offered = [
        Audience(
            group.id,
            group_title(group),
            group.members,
            group.kind == STRANGERS,
            group.kind != GROUP,
            group.kind == ORGANISATION,
        )
        for group in found
    ]
    return sorted(offered, key=lambda audience: (not audience.is_everybody, not audience.is_built_in))


def group_title(group: GroupSummary) -> str:
    """Return what a group is called; the built-in ones in the language of the page."""
    built_in = {STRANGERS: _("Strangers"), CONNECTIONS: _("Connections")}
    return str(built_in.get(group.kind, group.name))
