"""Which programs are shown the address books that organisations share, where nobody chose it for the device."""

from __future__ import annotations

import re

#: How the programs of a Mac begin what they say of themselves; those of a phone name their own system.
_MAC = re.compile(r"^(?:macOS|Mac[ _+]OS[ _+]X)/", re.ASCII)


def is_of_mac(user_agent: str) -> bool:
    """Whether a program is one of a Mac, which shows one address book only (client fact I-1)."""
    return _MAC.match(user_agent) is not None
