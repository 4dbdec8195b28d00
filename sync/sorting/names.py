"""
Names as they are looked for: in whatever case, script and order.

A name is found as a whole, in the order in which it is written or any other, and by each of its words. Chinese names
are found by their characters and by pinyin without tones, whichever of a character's readings is meant.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice, product

from sync.vcard import clean

#: A word or name must have so many letters to be looked for.
SHORTEST = 2
#: A longer text is no name.
LONGEST = 100
#: So many words of a name count, and so many ways to read one.
_WORDS = 8
_READINGS = 24
#: A longer one in Chinese characters is no name of a person.
_CHINESE = 4
#: The longest login that is made of a name.
_LATIN = 40
_NO_LATIN = re.compile(r"[^a-z0-9]")
_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_MARKS = re.compile("[\u0300-\u036f]")


def keys_of(name: str) -> set[str]:
    """Return everything by which somebody called *name* is found."""
    if len(name) > LONGEST:
        return set()
    words = _words(name)
    found = set(_wholes(words)) | set(words)
    for word in words:
        # A single character is a family name as often as not, and most people share one of a hundred.
        found.update(_readings(word) if len(word) >= SHORTEST else ())
    for read in islice(product(*(_readings(word) or [word] for word in words)), _READINGS):
        found.update(_wholes(read))
    if len(words) == 1:
        found.update(_family_last(words[0]))
    return {key for key in found if len(key) >= SHORTEST}


def keys_of_query(text: str) -> list[str]:
    """Return the one or two keys by which whoever types *text* looks for a name; none where it cannot be one."""
    words = _words(text)[:_WORDS] if len(text) <= LONGEST else []
    keys = list(dict.fromkeys(_wholes(words)))
    return [key for key in keys if len(key) >= SHORTEST and not key.isdecimal()]


def spelled(name: str) -> set[str]:
    """
    Return how a Chinese name is read, and its initials, each syllable with a capital letter, in every way to read it.

    From each of the capital letters on, it begins with what `letters_of_query` makes of what somebody types while they
    look for the name.
    """
    found = set()
    for read in islice(_syllables(fold(name)), _READINGS) if len(name) <= LONGEST else ():
        parts = ["".join(filter(str.isalnum, syllable)) for syllable in read]
        found.add("".join(_capital(part[:1]) for part in parts))
        found |= {"".join(map(_capital, way)) for way in zip(*map(_three_ways, parts), strict=True)}
    return found


def letters_of_query(text: str) -> str:
    """Return the letters by which whoever types *text* may mean the beginning of how a name is read, empty for none."""
    typed = "".join(_words(text)) if len(text) <= LONGEST else ""
    return typed if len(typed) >= SHORTEST and typed.isascii() and typed.isalpha() else ""


def spoken(name: str) -> tuple[bool, frozenset[str]]:
    """
    Return whether a name is in Chinese characters, and each way to say it: the family name, a space, and the rest.

    王小明 has one in common with Wang Xiao Ming and Xiaoming Wang. Words stay words, so that Fan Gwang is not 王芳.
    A name of a single word, or in both scripts, is said in no way that tells anything.
    """
    words = _words(name) if len(name) <= LONGEST else []
    whole = "".join(words)
    if whole and all(_HAN.match(letter) for letter in whole):
        read = [each for each in islice(_syllables(whole), _READINGS) if len(each) == len(whole)]
        apart = (
            (each[:length], each[length:]) for each in read for length in (1, 2) if length < len(whole) <= _CHINESE
        )
        return True, frozenset(f"{one} {rest}" for pair in apart for one, rest in product(*map(_said, pair)))
    if len(words) < 2 or not all(word.isascii() and word.isalpha() for word in words):
        return False, frozenset()
    turns = [(words[:1], words[1:]), (words[:2], words[2:]), (words[-1:], words[:-1]), (words[-2:], words[:-2])]
    return False, frozenset(f"{''.join(one)} {''.join(rest)}" for one, rest in turns if one and rest)


def number_key(said: str) -> tuple[bool, str]:
    """Return by what a number stands in a list: by its digits; what has none, such as an address, comes last."""
    digits = "".join(filter(str.isdigit, said))
    return (not digits or "@" in said, digits or said.casefold())


def sorting_key(name: str) -> tuple[str, str]:
    """Return by what a name stands in a list: as it is read, Chinese by pinyin, and as it is written."""
    plain = fold(name)
    if not _HAN.search(plain):
        return plain, plain
    read = next(_syllables(plain), ())
    return fold("".join(read)) or plain, plain


def latin(name: str) -> str:
    """Return a name in small Latin letters and digits, with dots between its words; Chinese as it is read."""
    words = (_NO_LATIN.sub("", word) for word in _in_latin(name))
    return ".".join(word for word in words if word)[:_LATIN].strip(".")


def letter_of(name: str) -> str:
    """Return the letter of the alphabet under which a name stands, or # where that is none."""
    first = sorting_key(name)[0][:1].upper()
    return first if first.isascii() and first.isalpha() else "#"


def fold(text: str) -> str:
    """Return *text* as it is compared: NFKC, without case and without Latin, Greek and Cyrillic diacritics."""
    plain = unicodedata.normalize("NFKC", clean(text)).casefold()
    return unicodedata.normalize("NFKC", _MARKS.sub("", unicodedata.normalize("NFKD", plain)))


def _in_latin(name: str) -> list[str]:
    words = _words(name)
    typed = [word for word in words if word.isascii()]
    # Who writes a name in both ways is called by the one that others can type.
    if any(not word.isdecimal() for word in typed):
        return typed
    return [fold("".join(next(_syllables(word), (word,)))) for word in words]


def _words(text: str) -> list[str]:
    apart = "".join(" " if unicodedata.category(letter)[0] in "CPSZ" else letter for letter in fold(text))
    return apart.split()[:_WORDS]


def _wholes(words: Sequence[str]) -> tuple[str, str]:
    # In order, and in an order that does not depend on who writes it.
    return "".join(words), "".join(sorted(words))


def _readings(word: str) -> list[str]:
    """Return the ways to read a word with Chinese characters in it, none where it has none."""
    return [variant for read in islice(_syllables(word), _READINGS) for variant in _spellings("".join(read))]


def _family_last(word: str) -> Iterator[str]:
    """Yield a Chinese name without a space as it is written where the given name comes first."""
    if not _HAN.search(word):
        return
    for length in (1, 2):
        if length < len(word) <= 4:
            turned = word[length:] + word[:length]
            yield turned
            for read in islice(_syllables(word), _READINGS):
                if len(read) == len(word):
                    yield from _spellings("".join(read[length:] + read[:length]))


def _syllables(word: str) -> Iterator[tuple[str, ...]]:
    if not _HAN.search(word):
        return iter(())
    # The dictionaries take a while to load, which whoever has no such name need not wait for.
    from pypinyin import Style, pinyin

    read = pinyin(word, style=Style.NORMAL, heteronym=True)
    # Family names come first, and have unusual readings.
    choices = [syllables if place == 0 else syllables[:2] for place, syllables in enumerate(read)]
    return product(*choices)


def _said(syllables: Sequence[str]) -> list[str]:
    return _spellings("".join(syllables))


def _spellings(read: str) -> list[str]:
    return _three_ways(read) if "v" in read else [fold(read)]


def _three_ways(read: str) -> list[str]:
    # ü is written in three ways by people without such a key.
    return [fold(read.replace("v", letter)) for letter in ("v", "u", "yu")]


def _capital(part: str) -> str:
    return part[:1].upper() + part[1:] if part[:1].isascii() else part
