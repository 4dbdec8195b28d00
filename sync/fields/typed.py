"""What a person types, as a field."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from unicodedata import normalize as normalize_text

from sync.errors import InvalidInput
from sync.fields import messaging
from sync.fields.addresses import begins_program
from sync.fields.collect import OURS
from sync.fields.content import FieldContent
from sync.fields.dates import Moment, as_extended
from sync.fields.labels import DEFAULT_LABELS, NAMED_TEXTS, label_line, marked
from sync.fields.media import photo
from sync.fields.recognise import kind_of
from sync.vcard import Parameters, Property, clean, escape, join_structured
from sync.vcard.photos import Square, normalize

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)|--(\d\d)-?(\d\d)")
_EMAIL = re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\]+")
_QQ = re.compile(r"[1-9]\d{4,11}")
_NUMBER = re.compile(r"(?=\D*+\d)[\d+*#(][\d\s().,;*#+/=a-zA-Z-]*+")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x1f]+")
_POSITION = re.compile(r"([+-]?\d{1,2}(?:\.\d++)?+)(?:\s*+[,;]\s*+|\s++)([+-]?\d{1,3}(?:\.\d++)?+)")
_OFFSET = re.compile(r"[+-]\d\d:?\d\d")
_NAME = re.compile(r"[A-Za-z0-9-]+")
_COMMA = re.compile("[,，、]")
_GENDERS = {"male": "M", "female": "F", "other": "O", "none": "N", "unknown": "U", "男": "M", "女": "F"}
_SOUNDS = {"first": "FIRST-NAME", "middle": "MIDDLE-NAME", "last": "LAST-NAME", "organization": "ORG"}
# Programs do not expect the name in a group.
_UNLABELLED = frozenset(("FN", "N"))
_LEAP_YEAR = 2000
_ADDRESS_PARTS = 7

Reader = Callable[[str, str], Property]


def field_from_text(kind: str, text: str, label: str = "") -> FieldContent:
    """
    The field of *kind* that says *text*, perhaps under a *label* of the person's own.

    Raises `InvalidInput` with a sentence that says what was expected.
    """
    text, label = clean(text).strip(), clean(label).strip()
    if not text.strip(" \t;,"):
        raise InvalidInput("There is nothing to say in this field.")
    main = _property(kind, text, label)
    version = "4.0" if main.name in ("GENDER", "LANG") else "3.0"
    shown = "" if main.name in _UNLABELLED or kind == "phonetic" else label or _default_label(kind)
    companions = (label_line(shown),) if shown else ()
    recognised = kind_of(main, label or DEFAULT_LABELS.get(kind, ("",))[0])
    return FieldContent(recognised, version, (main, *companions))


def field_from_photo(data: bytes, square: Square | None = None) -> FieldContent:
    """The photo field that shows the picture *data*, or a *square* of it; raises `InvalidInput` for what is none."""
    return FieldContent("photo", "3.0", (photo(normalize(data, square), "3.0"),))


def _property(kind: str, text: str, label: str) -> Property:
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(normalize_text("NFKC", text) if kind in _TO_THE_LETTER else text, label)
    if kind in NAMED_TEXTS:
        return Property("", "X-ABRELATEDNAMES", marked(kind, label, ()), escape(text))
    if kind in _PLAIN:
        name, params = _PLAIN[kind]
        return Property("", name, params, escape(text))
    if not kind.startswith("x:"):
        raise InvalidInput("There is no such kind of field.")
    name = kind.removeprefix("x:").upper()
    if not _NAME.fullmatch(name) or name in OURS:
        raise InvalidInput("This is not the name of a property that can be a field.")
    return Property("", name, (), escape(text))


def _default_label(kind: str) -> str:
    if kind == "anniversary":
        return "_$!<Anniversary>!$_"
    return DEFAULT_LABELS.get(kind, ("",))[0]


def _name(text: str, _label: str) -> Property:
    if ";" in text:
        return Property("", "N", (), join_structured([[part.strip()] for part in text.split(";")]))
    return Property("", "FN", (), escape(text))


def _telephone(*types: str) -> Reader:
    def read(text: str, _label: str) -> Property:
        if not _NUMBER.fullmatch(text):
            raise InvalidInput("A telephone number has digits, and may begin with +.")
        return Property("", "TEL", tuple(("TYPE", (name,)) for name in types), text)

    return read


def _email(text: str, _label: str) -> Property:
    if not _EMAIL.fullmatch(text):
        raise InvalidInput("An e-mail address looks like somebody@example.com.")
    return Property("", "EMAIL", (("TYPE", ("INTERNET",)),), text)


def _qq(text: str, _label: str) -> Property:
    if not _QQ.fullmatch(text):
        raise InvalidInput("A QQ number has 5 to 12 digits.")
    return messaging.account("QQ", text)


def _account(service: str) -> Reader:
    def read(text: str, _label: str) -> Property:
        if any(letter.isspace() for letter in text):
            raise InvalidInput("The name of an account has no spaces.")
        return messaging.account(service, text)

    return read


def _messenger(text: str, label: str) -> Property:
    if _URL.fullmatch(text) and not begins_program(text):
        return messaging.as_apple(Property("", "IMPP", (), text), label)
    if not label:
        raise InvalidInput("Name the messenger, as in xmpp:somebody@example.com, or give it as the label.")
    return _account(label)(text, label)


def _moment(text: str) -> Moment:
    found = _DATE.fullmatch(text)
    try:
        if found and found[1]:
            date(int(found[1]), int(found[2]), int(found[3]))
            return Moment(found[1], found[2], found[3])
        if found:
            date(_LEAP_YEAR, int(found[4]), int(found[5]))
            return Moment("", found[4], found[5])
    except ValueError as error:
        raise InvalidInput("There is no such day.") from error
    raise InvalidInput("A date is written 1980-03-22, or --03-22 without the year.")


def _birthday(text: str, _label: str) -> Property:
    return as_extended(Property("", "BDAY", (), _moment(text).basic()), "BDAY")


def _anniversary(text: str, label: str) -> Property:
    params = marked("anniversary", label, ())
    return as_extended(Property("", "X-ABDATE", params, _moment(text).basic()), "X-ABDATE")


def _address(text: str, _label: str) -> Property:
    parts = [part.strip() for part in text.split(";")]
    if len(parts) != _ADDRESS_PARTS:
        parts = ["", "", text, "", "", "", ""]
    return Property("", "ADR", (("TYPE", ("HOME",)),), join_structured([[part] for part in parts]))


def _organization(text: str, _label: str) -> Property:
    return Property("", "ORG", (), join_structured([[part.strip()] for part in text.split(";")]))


def _list(text: str, _label: str) -> Property:
    parts = [part.strip() for part in _COMMA.split(text)]
    return Property("", "CATEGORIES", (), join_structured([[part for part in parts if part]]))


def _address_of(name: str) -> Reader:
    def read(text: str, _label: str) -> Property:
        if not _URL.fullmatch(text) or begins_program(text):
            raise InvalidInput("An address on the web begins with https:// or the like.")
        return Property("", name, (), text)

    return read


def _key(text: str, _label: str) -> Property:
    if _URL.fullmatch(text):
        return Property("", "KEY", (("VALUE", ("uri",)),), text)
    return Property("", "KEY", (("VALUE", ("text",)),), escape(text))


def _gender(text: str, _label: str) -> Property:
    letter = _GENDERS.get(text.lower(), text.upper())
    return Property("", "GENDER", (), letter if letter in _GENDERS.values() else f";{escape(text)}")


def _language(text: str, _label: str) -> Property:
    if not _NAME.fullmatch(text):
        raise InvalidInput("A language is written as a tag such as en or zh-CN.")
    return Property("", "LANG", (), text)


def _position(text: str, _label: str) -> Property:
    found = _POSITION.fullmatch(text)
    if not found:
        raise InvalidInput("A position is a latitude and a longitude, such as 39.9042, 116.4074.")
    return Property("", "GEO", (), f"{found[1]};{found[2]}")


def _zone(text: str, _label: str) -> Property:
    params: Parameters = () if _OFFSET.fullmatch(text) else (("VALUE", ("text",)),)
    return Property("", "TZ", params, text if not params else escape(text))


def _phonetic(text: str, label: str) -> Property:
    # Programs sort by the sound of the family name, and a sound that is not divided is sorted right only there.
    return Property("", f"X-PHONETIC-{_SOUNDS.get(label.lower(), 'LAST-NAME')}", (), escape(text))


def _no_photo(_text: str, _label: str) -> Property:
    raise InvalidInput("A photo is a picture file, not a text.")


#: What programs read letter by letter, and people type with full-width letters and marks where they write Chinese.
_TO_THE_LETTER = frozenset(
    (
        "mobile",
        "home-phone",
        "office-phone",
        "fax",
        "phone",
        "email",
        "qq",
        "birthday",
        "anniversary",
        "geo",
        "timezone",
    )
)
_PLAIN: dict[str, tuple[str, Parameters]] = {
    "nickname": ("NICKNAME", ()),
    "title": ("TITLE", ()),
    "role": ("ROLE", ()),
    "note": ("NOTE", ()),
    "related": ("X-ABRELATEDNAMES", ()),
}
_READERS: dict[str, Reader] = {
    "name": _name,
    "phonetic": _phonetic,
    "mobile": _telephone("CELL"),
    "home-phone": _telephone("HOME"),
    "office-phone": _telephone("WORK"),
    "fax": _telephone("WORK", "FAX"),
    "phone": _telephone("VOICE"),
    "email": _email,
    "qq": _qq,
    "msn": _account("MSN"),
    "wechat": _account("WeChat"),
    "im": _messenger,
    "birthday": _birthday,
    "anniversary": _anniversary,
    "address": _address,
    "organization": _organization,
    "url": _address_of("URL"),
    "social": _address_of("X-SOCIALPROFILE"),
    "photo": _no_photo,
    "gender": _gender,
    "language": _language,
    "categories": _list,
    "geo": _position,
    "timezone": _zone,
    "key": _key,
}
