"""
The fields of a profile: what each means, how it is typed, and how it is written in both versions of vCard.

A field is one property together with the companion lines of its group, so that a telephone number and its label are
granted as one.

It may import `sync.vcard`. It must never ask a database, nor decide who may see a field.
"""

from __future__ import annotations

from sync.fields.catalogue import CATALOGUE, Kind
from sync.fields.collect import fields_of, property_from_line, readable_fields, without_broken_photos
from sync.fields.content import FieldContent
from sync.fields.meaning import meaning, same_meaning
from sync.fields.naming import UNNAMED, called, with_names
from sync.fields.rendering import export_card, full_name, reads_alike, render
from sync.fields.translate import translate
from sync.fields.typed import field_from_photo, field_from_text
from sync.vcard import head

__all__ = [
    "CATALOGUE",
    "UNNAMED",
    "FieldContent",
    "Kind",
    "called",
    "export_card",
    "field_from_photo",
    "field_from_text",
    "fields_of",
    "full_name",
    "head",
    "meaning",
    "property_from_line",
    "readable_fields",
    "reads_alike",
    "render",
    "same_meaning",
    "translate",
    "with_names",
    "without_broken_photos",
]
