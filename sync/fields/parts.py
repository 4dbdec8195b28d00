"""
A field taken apart, as a form shows it, and put together again from what was typed there.

Whatever of a field nobody touched stays as it was: a form that is sent as it came gives the very field back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from sync.errors import InvalidInput
from sync.fields import dates, media
from sync.fields.content import FieldContent
from sync.fields.labels import LABEL, is_default, label_line
from sync.fields.retyped import retyped, sound_of
from sync.fields.translate import as_modern
from sync.fields.typed import field_from_text
from sync.vcard import Property, clean, join_structured, split_structured, unescape

#: How a field may be taken apart: in one text, or in the parts that `SHAPES` names.
TEXT, NAME, ADDRESS, ORGANIZATION, DATE, GENDER = "text", "name", "address", "organization", "date", "gender"
SHAPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        TEXT: ("text",),
        NAME: ("family", "given", "additional", "prefix", "suffix"),
        ADDRESS: ("place", "box", "extended", "street", "city", "region", "code", "country"),
        ORGANIZATION: ("name", "units"),
        DATE: ("year", "month", "day"),
        GENDER: ("sex", "identity"),
    }
)
#: What an address may be for; empty for neither.
PLACES = ("home", "work", "")
#: Female, male, other, none or not applicable, unknown (RFC 6350, 6.2.7); empty where nothing is said.
SEXES = ("", "F", "M", "O", "N", "U")

_PROPERTIES = {"N": NAME, "ADR": ADDRESS, "ORG": ORGANIZATION, "GENDER": GENDER, "X-GENDER": GENDER}
_KINDS = {"address": ADDRESS, "organization": ORGANIZATION, "birthday": DATE, "anniversary": DATE, "gender": GENDER}
#: What another value of its field makes wrong.
_OUTDATED = frozenset(("LABEL", "SORT-STRING", "X-ABADR"))
_OUTDATED_PARAMETERS = frozenset(("LABEL", "SORT-AS", "GEO", "TZ"))
_UNLABELLED = frozenset(("FN", "N"))
_DIGITS = re.compile(r"\d{1,4}")


@dataclass(frozen=True, slots=True)
class Parts:
    """
    What a form shows of a field: its *shape*, a key of `SHAPES`, a text for each part of that, and its *label*.

    *label* is empty where it says no more than the kind of the field; of a phonetic name it says which name: first,
    middle, last or organization.
    """

    shape: str
    texts: Mapping[str, str]
    label: str = ""


def shape_of_kind(kind: str) -> str:
    """Return how a new field of *kind* is typed; a name may be typed in the shape `NAME`, too."""
    return _KINDS.get(kind, TEXT)


def is_labelled(kind: str, shape: str) -> bool:
    """Whether a field of *kind* that is typed in *shape* may have a label of the person's own."""
    return kind not in ("name", "gender", "language", "photo") and shape != NAME


def parts_of(content: FieldContent) -> Parts | None:
    """Take a field apart; None for one that nobody can type, such as a picture, or a date in words."""
    main = content.main
    shape = _PROPERTIES.get(main.name, DATE if content.kind in ("birthday", "anniversary") else TEXT)
    texts = _texts(content, shape)
    if texts is None:
        return None
    label = "" if is_default(content.kind, content.label) else content.label
    return Parts(shape, MappingProxyType(texts), sound_of(content) or label)


def put_together(kind: str, parts: Parts, before: FieldContent | None = None) -> FieldContent:
    """
    Make a field of *kind* out of what was typed; *before* is the field that it was taken apart from.

    Raises `InvalidInput` with a sentence that says what was expected.
    """
    typed = {name: clean(parts.texts.get(name, "")).strip() for name in SHAPES[parts.shape]}
    label = clean(parts.label).strip()
    old = parts_of(before) if before is not None else None
    if before is not None and old is not None and (typed, label) == (_normal(old.texts), old.label):
        return before
    if parts.shape == DATE:
        return _with_rest(field_from_text(kind, _date(typed), label), before)
    if parts.shape == TEXT:
        return retyped(before, typed["text"], label) if before else field_from_text(kind, typed["text"], label)
    texts = {name: " ".join(text.split()) for name, text in typed.items()}
    if not any(text for name, text in texts.items() if name != "place"):
        raise InvalidInput("There is nothing to say in this field.")
    return _structured(kind, parts.shape, texts, label, before if old else None)


def _normal(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: clean(text).strip() for name, text in texts.items()}


def _texts(content: FieldContent, shape: str) -> dict[str, str] | None:
    """The parts of *content* in their order."""
    match shape:
        case "date":
            return _moment(content.main)
        case "gender":
            sex, _, identity = as_modern(content)[0].value.partition(";")
            return {"sex": sex, "identity": unescape(identity)} if sex in SEXES else None
        case "text":
            text = _text(content)
            return None if text is None else {"text": text}
        case _:
            return _component_texts(content.main, shape)


def _moment(main: Property) -> dict[str, str] | None:
    moment = dates.read(main)
    if moment is None:
        return None
    return {"year": moment.year, "month": str(int(moment.month)), "day": str(int(moment.day))}


def _component_texts(main: Property, shape: str) -> dict[str, str] | None:
    components = _components(main)
    if shape == ORGANIZATION:
        return {"name": _shown(components[:1]), "units": "; ".join(_shown([values]) for values in components[1:])}
    names = [name for name in SHAPES[shape] if name != "place"]
    if any(any(values) for values in components[len(names) :]):
        return None
    padded = [*components, *[[""]] * len(names)]
    texts = {name: _shown([values]) for name, values in zip(names, padded, strict=False)}
    return {"place": _place(main), **texts} if shape == ADDRESS else texts


def _text(content: FieldContent) -> str | None:
    main = content.main
    if main.name in media.TRACKING or content.kind == "photo":
        return None
    if main.name == "KEY" and media.encoded_data(main) is not None:
        return None
    if content.kind == "im":
        return as_modern(content)[0].value
    if content.kind.startswith("x:"):
        # What its parameters or other lines say about the value would be lost.
        plain = not main.params and all(item.name == LABEL for item in content.properties[1:])
        return unescape(main.value) if plain and main.name != "X-ABDATE" else None
    if content.kind in ("note", "related", "title", "role", "name", "hobby", "interest", "expertise", "school"):
        return unescape(main.value)
    return content.text()


def _place(main: Property) -> str:
    types = main.types()
    return next((place for place in PLACES if place in types), "")


def _components(main: Property) -> list[list[str]]:
    return [list(values) for values in split_structured(main.value)]


def _shown(components: Sequence[Sequence[str]]) -> str:
    return ", ".join(part.strip() for values in components for part in values if part.strip())


def _date(typed: Mapping[str, str]) -> str:
    month, day, year = typed["month"], typed["day"], typed["year"]
    if not all(_DIGITS.fullmatch(part) for part in (month, day, year or "1")):
        raise InvalidInput("A date has a day and a month in digits, and perhaps a year.")
    return f"{year.zfill(4)}-{month:0>2}-{day:0>2}" if year else f"--{month:0>2}-{day:0>2}"


def _structured(
    kind: str, shape: str, texts: Mapping[str, str], label: str, before: FieldContent | None
) -> FieldContent:
    old = _components(before.main) if before is not None else []
    if shape == GENDER:
        if texts["sex"] not in SEXES:
            raise InvalidInput("There is no such choice.")
        value = join_structured([[texts["sex"]], [texts["identity"]]] if texts["identity"] else [[texts["sex"]]])
        return FieldContent(kind, "4.0", (Property("", "GENDER", (), value),))
    if shape == ORGANIZATION:
        units = [unit.strip() for unit in texts["units"].split(";")] if texts["units"] else []
        new = [texts["name"], *units]
    else:
        new = [texts[name] for name in SHAPES[shape] if name != "place"]
    # A part that nobody touched keeps its several values, such as two given names.
    kept = [*old, *[[]] * len(new)]
    components = [
        values if values and _shown([values]) == text else [text] for text, values in zip(new, kept, strict=False)
    ]
    name = next(name for name, known in _PROPERTIES.items() if known == shape)
    main = Property("", name, before.main.params if before else (), join_structured(components))
    if shape == ADDRESS:
        main = _placed(main, texts["place"], is_new=before is None)
    typed = FieldContent(kind, before.version if before else "3.0", (main, *([label_line(label)] if label else [])))
    return _with_rest(typed, before)


def _placed(main: Property, place: str, *, is_new: bool) -> Property:
    if place not in PLACES:
        raise InvalidInput("There is no such choice.")
    if _place(main) == place and not is_new:
        return main
    others = tuple(value for value in main.parameter("TYPE") if value.lower() not in ("home", "work"))
    types = (*((place,) if main.parameter("TYPE") else (place.upper(),)), *others) if place else others
    rest = tuple(pair for pair in main.params if pair[0] != "TYPE")
    return replace(main, params=((("TYPE", types),) if types else ()) + rest)


def _with_rest(typed: FieldContent, before: FieldContent | None) -> FieldContent:
    """*typed* with what else was said in *before* and is still right."""
    if before is None:
        return typed
    main = typed.main
    if main.params == before.main.params and main.value != before.main.value:
        main = replace(main, params=tuple(pair for pair in main.params if pair[0] not in _OUTDATED_PARAMETERS))
    outdated = {LABEL} | (_OUTDATED if main.value != before.main.value else frozenset())
    rest = tuple(item for item in before.properties[1:] if item.name not in outdated)
    return replace(typed, properties=(main, *typed.properties[1:], *rest))
