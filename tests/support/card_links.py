"""A card link as those who were given it have it: what opens it, and what they are shown."""

from __future__ import annotations

from dataclasses import dataclass

from sync.card_links import links
from sync.card_links.link_secrets import LinkKeys, login_for
from sync.card_links.opening import LinkGate
from sync.database.engine import Database


@dataclass(frozen=True, slots=True)
class Handed:
    """A link that was handed to somebody: its address's *token*, and a *login* and *password* to follow the card."""

    id: int
    token: str
    login: str
    password: str


def made(database: Database, owner_id: int, group_id: int, *, label: str = "", until: int | None = None) -> Handed:
    """Make a link to what a group sees."""
    link_id = database.write(lambda session: links.create(session, owner_id, group_id, label=label, until=until))
    return handed_out(database, owner_id, link_id)


def handed_out(database: Database, owner_id: int, link_id: int) -> Handed:
    """Return a link as it is handed out."""
    keys, ids = database.write(LinkKeys.of), (owner_id, link_id)
    return Handed(link_id, keys.token_for(ids), login_for(ids), keys.password_for(ids))


def shown(gate: LinkGate, handed: Handed, version: str = "3.0") -> str | None:
    """Return the vCard that whoever has a link gets now, None where it opens nothing."""
    link = gate.opened(handed.token)
    card = gate.card(link, version) if link is not None else None
    return card.text if card is not None else None
