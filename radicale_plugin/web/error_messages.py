"""
What the engine refuses, in the language of the page.

The engine's errors are English sentences, some with a word or number in them. The catalogue ``errors.po`` has each
with ``{}`` where such a word is; here the sentence that was raised is found again, and the words are carried over.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import cache

from babel.dates import format_timedelta
from flask import flash

from radicale_plugin.web import language
from sync.errors import EvercardError, TooManyTries

#: What stands before a sentence about one line of a text.
_LINE = re.compile(r"line (\d+): ")


def explained(error: EvercardError) -> str:
    """Return what is wrong and what to do; in English where no catalogue has it."""
    if isinstance(error, TooManyTries):
        wait = format_timedelta(timedelta(seconds=error.seconds), threshold=1, locale=language.locale())
        return language.gettext("That was tried too often. Try again in %(wait)s.", wait=wait)
    said = str(error)
    line = _LINE.match(said)
    if line is None:
        return _translated(said)
    return language.gettext("Line %(line)s: %(sentence)s", line=line[1], sentence=_translated(said[line.end() :]))


def told(error: EvercardError) -> None:
    """Say what is wrong on the next page that is shown."""
    flash(explained(error), "error")


def _translated(said: str) -> str:
    for parts, translation in _sentences(language.current()):
        words = _words(said, parts)
        if words is not None:
            return translation.format(*words)
    return said


def _words(said: str, parts: tuple[str, ...]) -> list[str] | None:
    """Return what stands between *parts* in what was said, None where it is another sentence."""
    first, *rest = parts
    if not rest:
        return [] if said == first else None
    if len(said) < len(first) + len(rest[-1]) or not (said.startswith(first) and said.endswith(rest[-1])):
        return None
    words, position = [], len(first)
    for part in rest[:-1]:
        found = said.find(part, position)
        if found < 0:
            return None
        words.append(said[position:found])
        position = found + len(part)
    end = len(said) - len(rest[-1])
    return [*words, said[position:end]] if position <= end else None


@cache
def _sentences(tag: str) -> list[tuple[tuple[str, ...], str]]:
    return [
        (tuple(msgid.split("{}")), string)
        for file, msgid, string in language.translations(tag)
        if file == "errors.po" and string
    ]
