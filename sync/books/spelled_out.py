"""
What a program does not show, in lines that it does: for Thunderbird, whose window knows no labels and no relations.

Its four lines for whatever one likes say it, each with its label. They are marked, and what comes back with the mark is
nobody's addition and no field: nothing that was shown this way can stay when it is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from sync.fields.collect import readable_fields
from sync.fields.content import FieldContent
from sync.fields.labels import DEFAULT_LABELS, MADE, is_default
from sync.fields.media import MEDIA
from sync.fields.relations import as_related, relation_label
from sync.vcard import Property, VCard, content_line, escape, parse_one

_LINES = ("X-CUSTOM1", "X-CUSTOM2", "X-CUSTOM3", "X-CUSTOM4")
_END = "END:VCARD\r\n"
_SIGNS = ("X-ABLabel:", "RELATED", "X-SOCIALPROFILE")
_UNSEEN = frozenset(("X-ABRELATEDNAMES", "RELATED", "X-ABDATE", "X-SOCIALPROFILE"))


def spelled_out(text: str) -> str:
    """Return a card, as it is served, with what Thunderbird does not show of it in lines that it does."""
    if not any(sign in text for sign in _SIGNS) or not text.endswith(_END):
        return text
    card = parse_one(text)
    free = [name for name in _LINES if card.first(name) is None]
    said = list(_said(card))
    if len(said) > len(free) > 0:
        said[len(free) - 1 :] = [" · ".join(said[len(free) - 1 :])]
    # Thunderbird shows a backslash that stands before a semicolon.
    made = (
        Property("", name, ((MADE, ("1",)),), escape(value).replace("\\;", ";"))
        for name, value in zip(free, said, strict=False)
    )
    return text.removesuffix(_END) + "".join(map(content_line, made)) + _END


def _said(card: VCard) -> Iterator[str]:
    light = replace(card, properties=tuple(item for item in card.properties if item.name not in MEDIA))
    fields: Iterable[FieldContent] = readable_fields(light)[0]
    for content in fields:
        label = _label(content)
        if label or content.main.name in _UNSEEN:
            yield f"{label}: {content.text()}" if label else content.text()


def _label(content: FieldContent) -> str:
    if content.kind == "related":
        return content.label or relation_label(as_related(content.main, content.label)) or "Related"
    if content.main.name not in _UNSEEN and is_default(content.kind, content.label):
        return ""
    return content.label or DEFAULT_LABELS.get(content.kind, ("",))[0]
