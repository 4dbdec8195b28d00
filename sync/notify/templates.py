"""
What messages say, by name and language.

A text is a file `texts/<language>/<name>.txt`: the subject, an empty line, and the message, with ``$name`` where a
value is filled in; a paragraph with a value that is empty is left out. A text message is the same file's `.sms.txt`,
without a subject. `<name>.words.txt` has single words for a text that is put together. A language without texts gets
English.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template

ENGLISH = "en"
LANGUAGES = (ENGLISH, "zh-Hans")


@dataclass(frozen=True, slots=True)
class Text:
    """A message as it is read. *subject* is empty in a text message."""

    subject: str
    body: str


def render(template: str, channel: str, language: str, values: Mapping[str, str]) -> Text:
    """
    Fill *values* into a text.

    Raises:
        KeyError: There is no such text, or one of its values is missing.
    """
    written = _text(template, channel, language if language in LANGUAGES else ENGLISH)
    filled = {name: plain(value) for name, value in values.items()}
    if channel == "sms":
        return Text("", Template(written).substitute(filled).strip())
    subject, _, body = written.partition("\n\n")
    # A value with a line break in it would end the header.
    one_line = {name: " ".join(value.split()) for name, value in filled.items()}
    said = "\n\n".join(_paragraphs(body, filled))
    return Text(Template(subject).substitute(one_line), said.rstrip() + "\n")


def _paragraphs(body: str, values: Mapping[str, str]) -> Iterator[str]:
    for paragraph in map(Template, body.split("\n\n")):
        if all(values[name] for name in paragraph.get_identifiers()):
            yield paragraph.substitute(values)


def lines(name: str, language: str) -> list[str]:
    """
    Return the lines of what a language has of words for a text, which its name says.

    Raises:
        KeyError: There is no such file.
    """
    return _text(name, "", language).splitlines()


@cache
def _text(template: str, channel: str, language: str) -> str:
    name = f"{template}.sms.txt" if channel == "sms" else f"{template}.txt"
    found = files(__package__).joinpath("texts", language, name)
    if not found.is_file():
        raise KeyError(f"There is no text {language}/{name}.")
    return found.read_text(encoding="utf-8")


def plain(value: str) -> str:
    """Return what people wrote as they wrote it, without what steers a terminal or turns a line around."""
    return "".join(
        letter for letter in value if letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs")
    )
