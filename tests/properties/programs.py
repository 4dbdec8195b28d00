"""
What programs do to a card between fetching it and sending it back.

Each way of rewriting takes the lines of a card and returns others; those in `SPELLING` change no value, those in
`REFORMATTING` write values as the program likes them, those in `REARRANGING` as people like them, too, and those in
`FORGETTING` leave out what the program does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

from sync.fields import fields_of, render
from sync.vcard import Property, VCard, parse_one, serialize

Lines = list[Property]
Way = Callable[[Lines, Random], Lines]

_FRONT = ("UID", "REV")
_BASIC = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")
#: What Outlook has a place for.
_OUTLOOK = frozenset(
    {"UID", "FN", "N", "NICKNAME", "TEL", "EMAIL", "ADR", "ORG", "TITLE", "URL", "NOTE", "BDAY", "CATEGORIES"}
)


def only(*names: str) -> Callable[[Callable[[Property, Random], Property]], Way]:
    """Make a way of rewriting lines of these names out of one of rewriting a line."""

    def make(change: Callable[[Property, Random], Property]) -> Way:
        return lambda lines, random: [change(line, random) if line.name in names else line for line in lines]

    return make


def shuffled(lines: Lines, random: Random) -> Lines:
    """Put the lines into any order."""
    return random.sample(lines, len(lines))


def capitals(lines: Lines, random: Random) -> Lines:
    """Write groups as Thunderbird does."""
    return [replace(line, group=line.group.upper()) for line in lines]


def listed_types(lines: Lines, random: Random) -> Lines:
    """Write all types as one list, in the case that the program likes."""
    found = []
    for line in lines:
        types = line.parameter("TYPE")
        rest = tuple(pair for pair in line.params if pair[0] != "TYPE")
        case = random.choice([str.upper, str.lower])
        listed = (("TYPE", tuple(map(case, types))),) if types else ()
        found.append(replace(line, params=(*listed, *rest)))
    return found


@only("NOTE")
def backslashes(line: Property, random: Random) -> Property:
    """Take the escape of a semicolon for a character, as Thunderbird does."""
    return replace(line, value=line.value.replace("\\;", "\\\\;"))


@only("BDAY")
def named_dates(line: Property, random: Random) -> Property:
    """Say that a date is one."""
    return line if line.parameter("VALUE") else replace(line, params=(*line.params, ("VALUE", ("DATE",))))


@only("TEL")
def bare_numbers(line: Property, random: Random) -> Property:
    """Write telephone numbers with other spaces, or none."""
    sign, digits = ("+" if "+" in line.value else ""), re.sub(r"\D", "", line.value)
    return replace(line, value=sign + random.choice([digits, f"{digits[:3]} ({digits[3:6]}) {digits[6:]}"]))


@only("TEL")
def number_uris(line: Property, random: Random) -> Property:
    """Write telephone numbers as URIs."""
    digits = re.sub(r"\D", "", line.value)
    return replace(line, params=(*line.params, ("VALUE", ("uri",))), value=f"tel:+{digits}")


@only("TEL", "EMAIL", "URL")
def preferred(line: Property, random: Random) -> Property:
    """Prefer some numbers and addresses to others."""
    return replace(line, params=(*line.params, ("TYPE", ("pref",)))) if random.random() < 0.5 else line


@only("EMAIL")
def small_letters(line: Property, random: Random) -> Property:
    """Write addresses in small letters."""
    return replace(line, value=line.value.lower())


@only("URL")
def slashes(line: Property, random: Random) -> Property:
    """Add a slash to a URL, or take it away; escape its colon."""
    value = line.value[:-1] if line.value.endswith("/") else f"{line.value}/"
    return replace(line, value=value.replace("://", "\\://") if random.random() < 0.5 else value)


@only("BDAY", "ANNIVERSARY", "X-ABDATE")
def other_dates(line: Property, random: Random) -> Property:
    """Write dates in another way, and forget what Apple says about the year."""
    form = random.choice([r"\1\2\3", r"\1-\2-\3", r"\1-\2-\3T00:00:00Z"])
    params = tuple(pair for pair in line.params if pair[0] != "X-APPLE-OMIT-YEAR")
    return replace(line, params=params, value=_BASIC.sub(form, line.value))


@only("PHOTO")
def cropped(line: Property, random: Random) -> Property:
    """Say which part of a picture to show."""
    return replace(line, params=(*line.params, ("X-ABCROP-RECTANGLE", ("ABClipRect_1&0&0&8&8&abc",))))


@only("NICKNAME", "CATEGORIES")
def one_item(line: Property, random: Random) -> Property:
    """Take a list for one text with commas in it."""
    return replace(line, value=re.sub(r"(?<!\\),", r"\\,", line.value))


@only("ADR")
def one_line(line: Property, random: Random) -> Property:
    """Put a whole address into its street."""
    street = "\\n".join(part for part in line.value.split(";") if part)
    return replace(line, value=f";;{street};;;;")


def with_labels(lines: Lines, random: Random) -> Lines:
    """Write out addresses and file the card under a name, in lines that stand alone."""
    houses = [Property("", "LABEL", (), "\\n".join(line.value.split(";"))) for line in lines if line.name == "ADR"]
    names = [Property("", "X-EVOLUTION-FILE-AS", (), line.value) for line in lines if line.name == "FN"]
    return [*lines, *houses, *names]


def no_groups(lines: Lines, random: Random) -> Lines:
    """Forget which lines belong together."""
    return [replace(line, group="") for line in lines]


def no_labels(lines: Lines, random: Random) -> Lines:
    """Forget groups, and the lines that need one."""
    return [replace(line, group="") for line in lines if line.name not in ("X-ABLABEL", "X-ABADR", "LABEL")]


def no_extensions(lines: Lines, random: Random) -> Lines:
    """Forget extensions."""
    return [line for line in lines if not line.name.startswith("X-")]


def no_messengers(lines: Lines, random: Random) -> Lines:
    """Forget messengers and pictures."""
    return [line for line in lines if line.name not in ("IMPP", "PHOTO")]


def outlook(lines: Lines, random: Random) -> Lines:
    """Forget whatever Outlook has no place for, and add something of its own."""
    kept = [replace(line, group="") for line in lines if line.name in _OUTLOOK]
    return [*kept, Property("", "X-MS-OL-OWN", (), "2")]


SPELLING: list[Way] = [capitals, listed_types, backslashes, named_dates]
REFORMATTING: list[Way] = [
    shuffled,
    bare_numbers,
    number_uris,
    small_letters,
    slashes,
    other_dates,
    cropped,
    one_item,
    one_line,
    with_labels,
    no_groups,
]
REARRANGING: list[Way] = [shuffled, preferred, bare_numbers, number_uris, small_letters, slashes, *SPELLING]
FORGETTING: list[Way] = [no_labels, no_extensions, no_messengers, outlook]


def translated(card: VCard) -> VCard:
    """Return a card in the other version, with the UID that it had."""
    version = "3.0" if card.version == "4.0" else "4.0"
    body = render(fields_of(card), version, fallback_name="nobody", remote_media=True)
    text = f"BEGIN:VCARD\r\nVERSION:{version}\r\nUID:{card.uid}\r\n{body}"
    return parse_one(text)


def written(version: str, lines: Lines, random: Random) -> bytes:
    """Write a card, folded where the program likes and with the spelling of names that it likes."""
    text = serialize(VCard(version, tuple(lines)))
    if random.random() < 0.5:
        width = random.choice([30, 60, 72])
        plain = text.replace("\r\n ", "").split("\r\n")
        folded = ["\r\n ".join([line[:width], *pieces(line[width:], width)]) for line in plain]
        text = "\r\n".join(folded)
    return text.replace("\r\n", "\n").encode() if random.random() < 0.3 else text.encode()


def pieces(text: str, width: int) -> list[str]:
    """Cut *text* into pieces."""
    return [text[at : at + width] for at in range(0, len(text), width)]
