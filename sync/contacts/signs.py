"""
What a number or address ends with, as far as that can be told at a glance.

To compare numbers and addresses they are brought into one form, which takes a while. Two that are the same in that form
have the same sign, so most of those that are not the same need not be brought into it.
"""

from __future__ import annotations

import re

from sync.sorting.list_keys import APART

#: So many last digits; numbers of this many or more are told apart by them, with a country code or without.
_TAIL = 6
_BETWEEN = " -.()"
_ADDRESS = re.compile(r"[a-z0-9._%+-]++@[a-z0-9.-]++")


def sign_of(said: str) -> str | None:
    """
    Return the sign of a number or address, as it is written somewhere or as it is stored.

    None where that cannot be told at a glance, such as of a number with letters in it.
    """
    return _sign(said.strip().lower())


def signs_of(said: str) -> set[str | None]:
    """Return the `sign_of` each number and address in *said*, as `sync.sorting.list_keys` puts them together."""
    # Most need nothing more, and there are those of everybody whose card somebody has.
    return {_sign(text) or sign_of(text) for text in said.split(APART) if text}


def _sign(text: str) -> str | None:
    if "@" in text:
        return text if _ADDRESS.fullmatch(text) else None
    digits = text.removeprefix("+")
    if not digits.isdecimal():
        for mark in _BETWEEN:
            digits = digits.replace(mark, "")
    return digits[-_TAIL:] if len(digits) >= _TAIL and digits.isascii() and digits.isdecimal() else None
