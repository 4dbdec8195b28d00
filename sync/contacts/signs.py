"""
What a number or address ends with, as far as that can be told at a glance.

To compare numbers and addresses they are brought into one form, which takes a while. Two that are the same in that form
have the same sign, so most of those that are not the same need not be brought into it.
"""

from __future__ import annotations

import re

#: So many last digits; numbers of this many or more are told apart by them, with a country code or without.
_TAIL = 6
_PUNCTUATION = str.maketrans("", "", " ().-")
_ADDRESS = re.compile(r"[a-z0-9._%+-]+@[a-z0-9.-]+")


def sign_of(said: str) -> str | None:
    """
    Return the sign of a number or address, as it is written somewhere or as it is stored.

    None where that cannot be told at a glance, such as of a number with letters in it.
    """
    text = said.strip().lower()
    if "@" in text:
        return text if _ADDRESS.fullmatch(text) else None
    digits = text.removeprefix("+").translate(_PUNCTUATION)
    return digits[-_TAIL:] if len(digits) >= _TAIL and digits.isascii() and digits.isdigit() else None
