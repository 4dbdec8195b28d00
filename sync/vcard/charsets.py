"""
Text out of octets, whatever character set a program wrote.

vCard 3.0 and 4.0 are UTF-8, but telephones wrote GBK and Shift_JIS, and Outlook wrote what Windows had, with a CHARSET
or without. What is valid UTF-8 is UTF-8; of any other line its CHARSET is believed, else that of another line, else
the octets are looked at: Chinese and Japanese letters are two octets each and stand among themselves, the accented
letters of Western languages are one and stand among others.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence

_LOGICAL = re.compile(rb"[^\n]*+\n?+(?:[ \t][^\n]*+\n?+)*+")
_FOLD = re.compile(rb"\n[ \t]")
_CHARSET = re.compile(rb"[^:\"]*?;CHARSET=\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_DECLARATION = re.compile(r"\A([^:\"]{0,400}?);CHARSET=\"?[A-Za-z0-9_.-]{1,40}\"?(?=[;:])", re.IGNORECASE)
# Not every codec is a character set, and some of those that are take quadratic time.
_CHARACTER_SETS = re.compile(
    r"utf-8|utf-16(-le|-be)?|ascii|iso8859-\d+|cp\d+|gb2312|gbk|gb18030|hz|big5(hkscs)?|euc_(jp|kr)|shift_jis"
    r"|iso2022_(jp|kr)|koi8-[ru]|mac-roman|tis-620|johab"
)
#: What is written under these names goes beyond what they stand for.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "iso8859-1": "cp1252", "ascii": "cp1252"}
_WIDE = "[\u3040-\u30ff\u3400-\u9fff\uff00-\uff60]"
_RUN = re.compile(f"{_WIDE}+")
_LATIN_LETTER = re.compile("[A-Za-z]")
_SURE = 0.5
#: So many octets tell what all are written in.
_SAMPLE = 20_000


def text_of(octets: bytes) -> str:
    """Return *octets* as text; what is in no character set that can be told is taken for that of Windows."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        pass
    lines = _LOGICAL.findall(octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n"))
    return "".join(_lines_of(lines))


def codec_of(charset: str) -> str | None:
    """Return the codec that reads what is written under the name *charset*, None where it is no character set."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    return _WIDER.get(name, name) if _CHARACTER_SETS.fullmatch(name) else None


def decoded(octets: bytes, codec: str) -> str:
    """Decode without ever failing; the few octets that Windows leaves undefined become control characters."""
    try:
        return octets.decode(codec)
    except UnicodeDecodeError:
        return octets.decode("latin-1") if codec == "cp1252" else octets.decode(codec, "replace")


def guessed(octets: bytes) -> str:
    """Return the codec in which octets that are no UTF-8 are most likely written."""
    share, codec = max((_likelihood(octets, codec), codec) for codec in ("gb18030", "cp932"))
    return codec if share > _SURE else "cp1252"


def _lines_of(lines: Sequence[bytes]) -> Iterator[str]:
    told = [_declared(line) for line in lines]
    foreign = [line for line, codec in zip(lines, told, strict=True) if codec is None and _unicode_of(line) is None]
    usual = next((codec for codec in told if codec not in (None, "utf-8")), None) or guessed(b"\n".join(foreign))
    for line, codec in zip(lines, told, strict=True):
        text = _unicode_of(line)
        if text is None:
            text = _DECLARATION.sub(r"\1", decoded(line, codec or usual))
        yield text


def _declared(line: bytes) -> str | None:
    """Return the codec that the CHARSET of a line names."""
    found = None if line.isascii() else _CHARSET.match(line[:500])
    return codec_of(found[1].decode()) if found is not None else None


def _unicode_of(line: bytes) -> str | None:
    """Return a line that is UTF-8, be it folded inside of a letter or damaged here and there; None for another."""
    try:
        return line.decode()
    except UnicodeDecodeError:
        text = _FOLD.sub(b"", line).decode("utf-8", "replace")
    sample = text[:_SAMPLE]
    return text if sum(not letter.isascii() for letter in sample) > 2 * sample.count("\ufffd") else None


def _likelihood(octets: bytes, codec: str) -> float:
    """Return how much of what is not ASCII reads as usual letters in *codec*, from 0 to 1."""
    try:
        # Not the last octet, which may be half of a letter.
        text = codecs.getincrementaldecoder(codec)().decode(octets[:_SAMPLE], final=len(octets) <= _SAMPLE)
    except UnicodeDecodeError:
        return 0.0
    strange = sum(not letter.isascii() for letter in text)
    usual = 0.0
    for run in _RUN.finditer(text):
        # A wide letter that touches a Latin one is two letters of a Western word, read together.
        around = text[max(run.start() - 1, 0) : run.start()] + text[run.end() : run.end() + 1]
        if not _LATIN_LETTER.search(around) or len(run[0]) > 1:
            usual += sum(_weight(letter, codec) for letter in run[0])
    return usual / max(strange, 1)


def _weight(letter: str, codec: str) -> float:
    written = letter.encode(codec)
    if codec == "gb18030":
        # GB 2312 has the letters of every day in its first level, and names also in its second.
        in_plane = len(written) == 2 and written[0] >= 0xA1 and written[1] >= 0xA1
        return (1.0 if written[0] <= 0xD7 else 0.9) if in_plane else 0.55
    return 1.0 if 0x81 <= written[0] <= 0x97 else 0.8
