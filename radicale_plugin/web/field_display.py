"""A field, and a card, as a page shows them: for eyes, in the language of the page, and without asking any server."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote, unquote

from babel.dates import format_date, format_skeleton

from radicale_plugin.web import language, pictures
from radicale_plugin.web.language import gettext
from radicale_plugin.web.language import lazy as _
from radicale_plugin.web.pictures import Address
from radicale_plugin.web.portal import Portal
from sync import fields
from sync.fields import CATALOGUE, FieldContent, dates, media, parts
from sync.fields.labels import is_default
from sync.fields.translate import as_modern
from sync.vcard import parse_one, unescape

#: A year that there is 29 February in.
_LEAP_YEAR = 2000
_SEXES = {
    "F": _("Female"),
    "M": _("Male"),
    "O": _("Other"),
    "N": _("None, or not applicable"),
    "U": _("Unknown"),
}
_LABELS = {
    "home": _("Home"),
    "work": _("Work"),
    "mobile": _("Mobile"),
    "main": _("Main"),
    "other": _("Other"),
    "homepage": _("Home page"),
    "spouse": _("Spouse"),
    "partner": _("Partner"),
    "child": _("Child"),
    "parent": _("Parent"),
    "mother": _("Mother"),
    "father": _("Father"),
    "friend": _("Friend"),
    "brother": _("Brother"),
    "sister": _("Sister"),
    "manager": _("Manager"),
    "assistant": _("Assistant"),
}
_SOUNDS = {
    "first": _("Given name"),
    "middle": _("Middle name"),
    "last": _("Family name"),
    "organization": _("Organization"),
}
#: Numbers, and how long one may be to stand on one line.
_NUMBERS = ("mobile", "home-phone", "office-phone", "phone", "fax", "bank-account", "qq")
_ONE_LINE = 24
_LINKED = {"email": "mailto:", "mobile": "tel:", "home-phone": "tel:", "office-phone": "tel:", "phone": "tel:"}


#: The drawing that stands before a field.
_ICONS = {
    **dict.fromkeys(("mobile", "phone"), "mobile"),
    **dict.fromkeys(("name", "nickname", "phonetic", "gender", "related"), "name"),
    **dict.fromkeys(("home-phone", "office-phone", "fax"), "call"),
    **dict.fromkeys(("qq", "wechat", "msn", "im"), "chat"),
    **dict.fromkeys(("organization", "title", "role", "school"), "office"),
    **dict.fromkeys(("birthday", "anniversary"), "cake"),
    **dict.fromkeys(("hobby", "interest", "expertise"), "star"),
    **dict.fromkeys(("url", "social"), "link"),
    "email": "mail",
    "address": "pin",
    "bank-account": "bank",
    "photo": "camera",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """
    A field for eyes: what it is, what the person calls it, and what it says, perhaps in several lines.

    *link* is where a click on it leads, and *picture* the address of one; both are empty for most fields.
    """

    title: str
    label: str
    text: str
    link: str = ""
    picture: str = ""
    kind: str = ""

    @property
    def brief(self) -> str:
        """All of it in one line, for lists and for those who hear it."""
        return gettext("%(title)s: %(said)s", title=self.heading, said=" ".join(self.text.split()))

    @property
    def is_number(self) -> bool:
        """Whether it is a number that stands on one line, whatever is before it."""
        return self.kind in _NUMBERS and len(self.text) <= _ONE_LINE

    @property
    def heading(self) -> str:
        """What it is, and what the person calls it."""
        return gettext("%(title)s (%(label)s)", title=self.title, label=self.label) if self.label else self.title


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A card for eyes. *picture* is the address of one, empty where the card has none."""

    name: str
    picture: str
    lines: list[Shown]


def install(portal: Portal) -> None:
    """Let templates say ``{{ content|shown }}``, ``{{ key|kind_title }}``, and what else there is of fields."""
    portal.jinja_env.filters["shown"] = shown
    portal.jinja_env.filters["kind_title"] = kind_title
    portal.jinja_env.filters["reach"] = reach_of
    portal.jinja_env.filters["icon_of"] = icon_of


def reach_of(said: str) -> str:
    """Return where a click on a number or an address leads, which is nowhere for any other text."""
    return _link_to("mailto:" if "@" in said else "tel:", said) if said else ""


def kind_title(kind: str) -> str:
    """Return what a kind of field is called; one without a name of its own has that of its property."""
    found = CATALOGUE.get(kind)
    return gettext(found.title) if found else kind.removeprefix("x:").upper()


def icon_of(kind: str) -> str:
    """Return the drawing for a kind of field."""
    return _ICONS.get(kind, "card")


def shown(content: FieldContent, address: Address = pictures.OWN) -> Shown:
    """Return what a field says to people; *address* tells where its picture is, by default one's own."""
    picture = picture_of(content, address)
    return Shown(
        kind_title(content.kind), _label(content), _text(content, picture), _link(content), picture, content.kind
    )


def shown_card(text: str, login: str, address: Address = pictures.OWN) -> ShownCard:
    """Return what the card *text* says to people; *login* is for one without a name."""
    return card_of(fields.fields_of(parse_one(text)), login, address)


def card_of(contents: Iterable[FieldContent], login: str, address: Address = pictures.OWN) -> ShownCard:
    """Return what a card with these fields says to people."""
    found = list(contents)
    name = fields.full_name(found, login)
    lines = [shown(content, address) for content in found]
    picture = next((line.picture for line in lines if line.picture), "")
    # The name as it is written above is not said again.
    rest = [
        line
        for content, line in zip(found, lines, strict=True)
        if content.main.name not in ("FN", "N") or line.text != name
    ]
    return ShownCard(name, picture, [line for line in rest if not line.picture])


def picture_of(content: FieldContent, address: Address = pictures.OWN) -> str:
    """Return the address of the picture that a photo field holds, or nothing."""
    octets = pictures.octets_of(content)
    return address(pictures.digest_of(octets)) if octets else ""


def _label(content: FieldContent) -> str:
    label = "" if is_default(content.kind, content.label) else content.label
    if content.kind == "phonetic":
        taken = parts.parts_of(content)
        label = taken.label if taken else label
        return str(_SOUNDS.get(label, label))
    if content.kind == "address" and not label:
        label = next((place for place in ("home", "work") if place in content.main.types()), "")
    if content.kind in ("email", "url", "im", "social") and not label:
        label = next((place for place in ("home", "work") if place in content.main.types()), "")
    return str(_LABELS.get(label.casefold(), label))


def _text(content: FieldContent, picture: str) -> str:
    main = content.main
    if picture:
        return gettext("A picture")
    match content.kind:
        case "photo" if media.is_remote(main):
            return gettext("A picture at %(address)s", address=main.value)
        case "birthday" | "anniversary":
            return _day(content) or content.text()
        case "gender":
            sex, _semicolon, identity = as_modern(content)[0].value.partition(";")
            return ", ".join(part for part in (str(_SEXES.get(sex, sex)), unescape(identity)) if part)
        case "note":
            return unescape(main.value).strip()
    return content.text()


def _day(content: FieldContent) -> str:
    moment = dates.read(content.main)
    if moment is None:
        return ""
    locale = language.locale()
    try:
        day = date(int(moment.year or _LEAP_YEAR), int(moment.month), int(moment.day))
    except ValueError:
        return ""
    return format_date(day, "long", locale=locale) if moment.year else format_skeleton("MMMMd", day, locale=locale)


def _link(content: FieldContent) -> str:
    text = content.text()
    if content.kind in _LINKED:
        return _link_to(_LINKED[content.kind], text)
    # Any other scheme could make the browser do something.
    is_address = content.kind in ("url", "social") and text.casefold().startswith(("https://", "http://"))
    return text if is_address else ""


def _link_to(scheme: str, text: str) -> str:
    # A phone takes a number with these for a command, such as one that diverts its calls.
    is_command = scheme == "tel:" and not {"*", "#"}.isdisjoint(unicodedata.normalize("NFKC", unquote(text)))
    return "" if is_command or not text.isprintable() else f"{scheme}{quote(text, safe='+@')}".replace("%20", "")
