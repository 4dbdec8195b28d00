"""How a program reads its person's groups as lists, where the person chose that it shows them."""

from __future__ import annotations

from sync.revisions.list_states import CARDS, CATEGORIES

#: Programs that show the card of a group as a contact like any other, by what is in their ``User-Agent``.
_WITHOUT_GROUP_CARDS = ("Thunderbird", "Evolution")


def way_of(choice: str | None, user_agent: str) -> str | None:
    """Return in which way a program is shown lists, None for not at all; *choice* is the person's for the device."""
    if choice is None or choice == CATEGORIES:
        return choice
    return CATEGORIES if any(name in user_agent for name in _WITHOUT_GROUP_CARDS) else CARDS
