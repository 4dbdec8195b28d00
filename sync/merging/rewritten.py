"""
Fields as programs rewrite them without anybody having asked, told from edits. Pure: contents in, contents out.

Android compresses every picture anew. DAVx5 makes one note of several, and types of the labels of relations, which are
labels of Apple's that mean fields here. Programs drop parameters that they do not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sync import fields
from sync.fields import FieldContent, media
from sync.fields.labels import label_line, marked, plain_label
from sync.vcard import Property, escape, unescape
from sync.vcard.photos import is_copy


def undone(existing: Sequence[FieldContent], incoming: Iterable[FieldContent]) -> list[FieldContent]:
    """Return *incoming*, the fields of a card that a client sent, without what it only rewrote of *existing* ones."""
    found = [_with_its_picture(existing, _with_its_label(existing, content)) for content in incoming]
    return _with_notes_apart(existing, labels_apart(existing, found))


def labels_apart(existing: Sequence[FieldContent], incoming: Sequence[FieldContent]) -> list[FieldContent]:
    """
    Return *incoming* with the text of an address as a field of its own wherever it is one among *existing* fields.

    On a card the two stand beside each other as one; but who was granted the one was not granted the other.
    """
    texts = [_text(content) for content in existing if content.main.name == "LABEL"]
    known = {text for content in existing if content.main.name == "ADR" for text in _labels(content)}
    found: list[FieldContent] = []
    for content in incoming:
        labels = _labels(content) if texts and content.main.name == "ADR" else []
        if not labels or known.issuperset(labels):
            found.append(content)
            continue
        main, *companions = content.properties
        bare = replace(main, params=tuple(pair for pair in main.params if pair[0] != "LABEL"))
        rest = tuple(item for item in companions if item.name != "LABEL")
        if bare.value.strip(" ;,"):
            found.append(FieldContent(content.kind, content.version, (bare, *rest)))
        line = next((item for item in companions if item.name == "LABEL"), None)
        found.append(FieldContent("address", content.version, (line or Property("", "LABEL", (), escape(labels[0])),)))
    return found


def _labels(content: FieldContent) -> list[str]:
    lines = [_plain(item.value) for item in content.properties[1:] if item.name == "LABEL"]
    return [*lines, *map(_plain, content.main.parameter("LABEL"))]


def is_same_picture(one: FieldContent, other: FieldContent) -> bool:
    """Whether two fields are photos and show one picture, however often it was compressed."""
    if (one.kind, other.kind) != ("photo", "photo"):
        return False
    pictures = [_octets(content) for content in (one, other)]
    return all(pictures) and is_copy(*pictures)


def _with_its_picture(existing: Iterable[FieldContent], content: FieldContent) -> FieldContent:
    if content.kind != "photo":
        return content
    return next((other for other in existing if is_same_picture(other, content)), content)


def _octets(content: FieldContent) -> bytes:
    return media.octets_of(media.encoded_data(content.main)) or b""


def _with_its_label(existing: Iterable[FieldContent], content: FieldContent) -> FieldContent:
    if content.kind != "related":
        return content
    said = _label_of(content.main) or content.label.casefold()
    for other in existing:
        written = fields.translate(other, "3.0")[0]
        if said and written.name == "X-ABRELATEDNAMES" and other.kind != "related" and _key(other.label) == _key(said):
            params = marked(other.kind, other.label, ())
            main = Property("", "X-ABRELATEDNAMES", params, content.main.value)
            return FieldContent(other.kind, "3.0", (main, label_line(other.label)))
    return content


def _label_of(main: Property) -> str:
    """The label out of which a program made the types of a relation."""
    types = [value for value in main.parameter("TYPE") if value.lower() != "pref"]
    return plain_label(",".join(types)) if main.name == "RELATED" else ""


def _key(label: str) -> str:
    return ",".join(part.strip() for part in label.casefold().split(","))


def _with_notes_apart(existing: Sequence[FieldContent], incoming: list[FieldContent]) -> list[FieldContent]:
    notes = [content for content in existing if content.kind == "note"]
    sent = [content for content in incoming if content.kind == "note"]
    if len(notes) < 2 or len(sent) != 1:
        return incoming
    rest, found = f"\n{_text(sent[0])}\n", []
    for note in sorted(notes, key=lambda content: -len(_text(content))):
        before, whole, after = rest.partition(f"\n{_text(note)}\n")
        if whole:
            found.append(note)
            rest = f"{before}\n{after}"
    if len(found) < 2:
        return incoming
    parts = [note for note in notes if note in found]
    if text := rest.strip():
        parts.append(fields.field_from_text("note", text))
    at = incoming.index(sent[0])
    return [*incoming[:at], *parts, *incoming[at + 1 :]]


def _text(content: FieldContent) -> str:
    return _plain(content.main.value)


def _plain(value: str) -> str:
    return unescape(value).replace("\r\n", "\n").strip()
