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
    for pattern, translation in _patterns(language.current()):
        match = pattern.fullmatch(said)
        if match:
            return translation.format(*match.groups())
    return said


@cache
def _patterns(tag: str) -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile("(.*?)".join(re.escape(part) for part in msgid.split("{}")), re.DOTALL), string)
        for file, msgid, string in language.translations(tag)
        if file == "errors.po" and string
    ]
