"""What stands for somebody where there is no picture: the first letters of their name, in a colour of its own."""

from __future__ import annotations

import hashlib
import re

from radicale_plugin.web.portal import Portal

#: Colours in the style sheet, h0 and on.
_COLOURS = 12
_BETWEEN_WORDS = re.compile(r"[\s·・]++")
_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def install(portal: Portal) -> None:
    """Let templates say ``{{ name|hue }}`` and ``{{ name|initials }}``."""
    portal.jinja_env.filters["hue"] = hue
    portal.jinja_env.filters["initials"] = initials


def hue(name: str) -> str:
    """Return the class of the colour that a name has, always the same."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"h{int(digest[:8], 16) % _COLOURS}"


def initials(name: str) -> str:
    """Return one character of a Chinese name, and of another the first letters of its first and last word."""
    words = [word for word in _BETWEEN_WORDS.split(name) if any(letter.isalnum() for letter in word)]
    if not words:
        return name[:1].upper()
    if _HAN.match(words[0]):
        return words[0][0]
    ends = [words[0], words[-1]] if len(words) > 1 and not _HAN.match(words[-1]) else [words[0]]
    return "".join(next(letter for letter in word if letter.isalnum()).upper() for word in ends)
