"""
Read and write vCard text without losing anything.

A card is a version and a list of content lines whose values stay exactly as they were written; what a value *means*
is the matter of `sync.fields`. Nothing here guesses what a line means: one that is no property is left out and named by
its number, and a text whose cards do not begin and end is refused.

It may import nothing but `sync.errors`, and must never know what a field means to Evercard.
"""

from __future__ import annotations

from sync.vcard.charsets import text_of
from sync.vcard.legacy import modernize, needs_repair, repair
from sync.vcard.model import DEFAULT, Limits, Parameters, Property, VCard
from sync.vcard.parser import parse, parse_one
from sync.vcard.scan import lines_named, read_line
from sync.vcard.serializer import content_line, head, serialize
from sync.vcard.splitter import split
from sync.vcard.text import clean, escape, join_structured, split_structured, unescape

__all__ = [
    "DEFAULT",
    "Limits",
    "Parameters",
    "Property",
    "VCard",
    "clean",
    "content_line",
    "escape",
    "head",
    "join_structured",
    "lines_named",
    "modernize",
    "needs_repair",
    "parse",
    "parse_one",
    "read_line",
    "repair",
    "serialize",
    "split",
    "split_structured",
    "text_of",
    "unescape",
]
