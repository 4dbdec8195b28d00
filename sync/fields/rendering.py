"""From fields to the text of a card."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from sync.fields.addresses import begins_program, is_program
from sync.fields.cardinality import written
from sync.fields.collect import OURS
from sync.fields.content import FieldContent, remembered
from sync.fields.media import MEDIA, is_remote
from sync.fields.translate import as_classic, as_modern
from sync.vcard import Property, content_line, escape, head, split_structured, unescape

_TOKEN = re.compile(r"[A-Z0-9-]+")
_NAMES = ("FN", "N")
# Han, kana and hangul, in which the family name comes first and no space follows it.
_FAMILY_FIRST = re.compile("[\u1100-\u11ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003134f]")


def render(fields: Sequence[FieldContent], version: str, *, fallback_name: str, remote_media: bool = False) -> str:
    """
    The rest of a card behind its `sync.vcard.head`: the name, then *fields* as given, then END.

    There is always an FN: where none is among *fields* it is made of N, else it is the nickname, else *fallback_name*.
    Media that a client would fetch from elsewhere are left out unless *remote_media* is true. Groups are numbered over
    *fields* alone, so that a number tells nothing about fields that are not among them.
    """
    blocks = zip(fields, written(fields, version), strict=True)
    lines = [content_line(item) for item in _made_names(fields, version, fallback_name)]
    groups, key = 0, (_told, version, remote_media)
    for content, block in sorted(blocks, key=lambda each: each[0].properties[0].name not in _NAMES):
        told, alone = _told(content, block, key)
        if alone is not None:
            lines.append(alone)
            continue
        groups += 1
        lines += [content_line(replace(item, group=f"item{groups}")) for item in told]
    return "".join(lines) + "END:VCARD\r\n"


def reads_alike(fields: Iterable[FieldContent]) -> bool:
    """Whether `render` writes the same of *fields* whatever the fallback is and whether *remote_media* are left out."""
    contents = list(fields)
    return {content.properties[0].name for content in contents}.issuperset(_NAMES) and all(map(_is_harmless, contents))


@remembered
def _is_harmless(content: FieldContent) -> bool:
    items = (*content.properties, *as_classic(content), *as_modern(content))
    return not any(item.name in MEDIA or begins_program(unescape(item.value)) for item in items)


def export_card(fields: Sequence[FieldContent], version: str, *, uid: str, revised: int, fallback_name: str) -> str:
    """A person's own card in full, remote media and all."""
    body = render(fields, version, fallback_name=fallback_name, remote_media=True)
    return head(version, uid, revised) + body


def full_name(fields: Iterable[FieldContent], fallback: str) -> str:
    """What a card with these fields is called."""
    mains = [content.main for content in fields]
    for name, read in (("FN", _text), ("N", _spoken), ("NICKNAME", _first)):
        for item in mains:
            if item.name == name and (text := read(item.value)):
                return text
    return fallback


def _told(
    content: FieldContent, block: tuple[Property, ...], key: tuple[object, str, bool]
) -> tuple[Sequence[Property], str | None]:
    """Return what may be written of a field, and its lines where they need no group; of most it is as the last time."""
    known = content.known.get(key)
    if known is None or known[0] is not block:
        told = [item for item in block if _may_be_written(item, remote_media=key[2])]
        if not told or told[0] is not block[0]:
            told = []
        is_alone = len(told) < 2 or told[0].name == "N"
        alone = "".join([content_line(replace(item, group="")) for item in told]) if is_alone else None
        known = content.known[key] = (block, told, alone)
    return known[1], known[2]


def _may_be_written(item: Property, *, remote_media: bool) -> bool:
    if item.name in OURS or not _TOKEN.fullmatch(item.name):
        return False
    return remote_media or not (is_remote(item) or is_program(item))


def _made_names(fields: Sequence[FieldContent], version: str, fallback: str) -> list[Property]:
    present = {content.properties[0].name for content in fields}
    if "FN" in present and (version != "3.0" or "N" in present):
        return []
    name = escape(full_name(fields, fallback))
    made = [] if "FN" in present else [Property("", "FN", (), name)]
    if version == "3.0" and "N" not in present:
        # How a name divides is not ours to guess, and a client that misses N makes worse of it.
        made.append(Property("", "N", (), f"{name};;;;"))
    return made


def _text(raw: str) -> str:
    return " ".join(unescape(raw).split())


def _first(raw: str) -> str:
    return split_structured(raw)[0][0].strip()


def _spoken(raw: str) -> str:
    components = [" ".join(values).strip() for values in split_structured(raw)]
    family, given, middle, *_ = [*components, "", "", ""]
    if _FAMILY_FIRST.search(family + given):
        return family + given + middle
    return " ".join(part for part in (given, middle, family) if part) or " ".join(part for part in components if part)
