"""Which kind of field a property is."""

from __future__ import annotations

from sync.fields.labels import KIND_PARAMETER, NAMED_DATES, NAMED_TEXTS, kind_of_label
from sync.fields.messaging import LEGACY_SERVICES, service_of
from sync.fields.relations import RELATIVES
from sync.vcard import Property

_BY_NAME = {
    "FN": "name",
    "N": "name",
    "SORT-STRING": "name",
    "X-PHONETIC-FIRST-NAME": "phonetic",
    "X-PHONETIC-MIDDLE-NAME": "phonetic",
    "X-PHONETIC-LAST-NAME": "phonetic",
    "X-PHONETIC-ORG": "phonetic",
    "NICKNAME": "nickname",
    "EMAIL": "email",
    "BDAY": "birthday",
    "ANNIVERSARY": "anniversary",
    "X-ANNIVERSARY": "anniversary",
    "X-MS-ANNIVERSARY": "anniversary",
    "X-EVOLUTION-ANNIVERSARY": "anniversary",
    "X-KADDRESSBOOK-X-ANNIVERSARY": "anniversary",
    "HOBBY": "hobby",
    "INTEREST": "interest",
    "EXPERTISE": "expertise",
    "ADR": "address",
    "LABEL": "address",
    "ORG": "organization",
    "TITLE": "title",
    "ROLE": "role",
    "URL": "url",
    "X-SOCIALPROFILE": "social",
    "SOCIALPROFILE": "social",
    "PHOTO": "photo",
    "NOTE": "note",
    "GENDER": "gender",
    "X-GENDER": "gender",
    "LANG": "language",
    "RELATED": "related",
    **dict.fromkeys(RELATIVES, "related"),
    "CATEGORIES": "categories",
    "GEO": "geo",
    "TZ": "timezone",
    "KEY": "key",
    # The two spellings of one thing share one kind, so that a field keeps it from one version to the other.
    "X-ADDRESSBOOKSERVER-KIND": "x:kind",
    "X-ADDRESSBOOKSERVER-MEMBER": "x:member",
}
_TELEPHONES = (
    ("fax", "fax"),
    ("cell", "mobile"),
    ("iphone", "mobile"),
    ("home", "home-phone"),
    ("work", "office-phone"),
)
#: A kind has its place in the database, whatever a program calls a property.
_LONGEST = 64
_NEITHER = frozenset(("pager", "main"))
_TELEPHONE_LABELS = {
    "mobile": "mobile",
    "iphone": "mobile",
    "手机": "mobile",
    "手機": "mobile",
    "home": "home-phone",
    "住宅": "home-phone",
    "work": "office-phone",
    "工作": "office-phone",
    "办公电话": "office-phone",
    "fax": "fax",
    "传真": "fax",
}


def kind_of(main: Property, label: str) -> str:
    """The kind of a field whose property is *main* and whose plain label is *label*."""
    name = main.name
    if name == "TEL":
        return _telephone(main, label)
    if name == "IMPP" or name in LEGACY_SERVICES:
        return service_of(main, label).kind
    if name == "X-ABRELATEDNAMES":
        return _labelled(main, label, NAMED_TEXTS) or "related"
    if name == "X-ABDATE":
        return _labelled(main, label, NAMED_DATES) or "x:x-abdate"
    return _BY_NAME.get(name) or f"x:{name.lower()}"[:_LONGEST]


def _labelled(main: Property, label: str, kinds: frozenset[str]) -> str:
    for kind in (*main.parameter(KIND_PARAMETER), kind_of_label(label)):
        if kind in kinds:
            return kind
    return ""


def _telephone(main: Property, label: str) -> str:
    types = main.types()
    if not types & _NEITHER:
        for mark, kind in _TELEPHONES:
            if mark in types:
                return kind
    return _TELEPHONE_LABELS.get(label.casefold(), "phone") if types <= {"voice", "pref"} else "phone"
