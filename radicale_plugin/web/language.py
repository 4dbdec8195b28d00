"""Which language a page is in, and its texts in that language: gettext catalogues, read when the portal starts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from babel.support import LazyProxy
from flask import g, has_request_context, request, session
from jinja2.filters import do_mark_safe
from markupsafe import Markup

from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import database, visitor
from sync.accounts import preference_changes
from sync.sign_in import sessions

#: What the languages call themselves, by their BCP 47 tags; the first is that of the texts themselves.
LANGUAGES = {"en": "English", "zh-Hans": "简体中文"}
DEFAULT = "en"
TRANSLATIONS = Path(__file__).with_name("translations")


def install(portal: Portal) -> None:
    """Let templates say ``_("…")``."""
    portal.jinja_env.filters["gap_after"] = gap_after
    portal.before_request(_keep_now_and_then)
    portal.context_processor(_in_templates)


def current() -> str:
    """Return the language of the answer: the person's choice, this browser's, or what the browser asks for."""
    if not has_request_context():
        return DEFAULT
    # A page asks for each of its hundreds of texts, and `g` is looked up each time that it is named.
    tag: str | None = g.get("language")
    if tag is None:
        found = visitor()
        chosen = (found.language if found else None) or session.get("language")
        g.language = tag = chosen if chosen in LANGUAGES else _accepted()
    return tag


def gap() -> str:
    """Return what stands between two sentences of a paragraph: Chinese marks bring their own space."""
    return "" if current().startswith("zh") else " "


def gap_after(text: str) -> str:
    """Return what stands between *text* and what follows it on a line: a full-width bracket brings its own space."""
    return "" if text.endswith("\uff09") else " "


def choose(tag: str) -> None:
    """Keep a language for this browser; one that there is no such thing as changes nothing."""
    if tag in LANGUAGES:
        session["language"] = tag
        g.pop("language", None)


@contextlib.contextmanager
def speaking(tag: str) -> Iterator[None]:
    """Say everything in this language inside the block, whoever asks."""
    before = g.pop("language", None)
    g.language = tag
    try:
        yield
    finally:
        g.pop("language")
        if before is not None:
            g.language = before


def keep() -> None:
    """Take the language of this browser for that of the person, if they have none yet: letters are in it, too."""
    found, tag = visitor(), current()
    if found is not None and found.language is None:
        database().write_if_free(lambda session: preference_changes.keep_language(session, found.account_id, tag))


def locale() -> Locale:
    """Return what Babel's functions for dates and numbers want to know."""
    return _locale(current())


def gettext(text: str, **values: object) -> str:
    """Return *text* in the language of the answer, with *values* filled in for ``%(name)s``."""
    return _filled(texts(current()).get(text, text), values)


def ngettext(one: str, many: str, number: int, **values: object) -> str:
    """Return *one* or *many* in the language of the answer; ``%(num)s`` is *number*."""
    return _filled(_plural(one, many, number), {"num": number, **values})


def lazy(text: str) -> Any:
    """Return what becomes *text* in the language of the answer as soon as it is shown: for labels of forms."""
    return LazyProxy(gettext, text, enable_cache=False)


@cache
def texts(tag: str) -> Mapping[str, str]:
    """Return the translations into a language by what they translate; of a plural by its singular."""
    return {msgid: string for _file, msgid, string in translations(tag) if string}


def translations(tag: str) -> Iterator[tuple[str, str, str]]:
    """Yield each message of a language's catalogues: the file, what is translated, and how, which may be nothing."""
    for file in sorted((TRANSLATIONS / tag.replace("-", "_")).glob("*.po")):
        for message in messages(file):
            yield file.name, _first(message.id), _first(message.string)


def messages(file: Path) -> Iterator[Message]:
    """Yield the messages of one catalogue, without its header."""
    with file.open("rb") as opened:
        # A mistake in a catalogue is found by whoever made it.
        yield from (message for message in read_po(opened, locale="zh_Hans_CN", abort_invalid=True) if message.id)


def _keep_now_and_then() -> None:
    # Somebody may have been signed in since before there was anything to keep. What is open to all asks nobody.
    found = g.get("signed_in")
    if found is not None and sessions.is_worth_noting(found):
        keep()


def _in_templates() -> dict[str, Any]:
    tag = current()
    return {"_": _speaker(tag), "ngettext": _plural_in_template, "language": tag, "languages": LANGUAGES, "gap": gap()}


@cache
def _speaker(tag: str) -> Callable[..., Markup]:
    """Return what says a text of ours in a language: a page says hundreds, row by row, all of them in the same."""

    # They may hold HTML; what is filled in is escaped.
    @lru_cache(maxsize=10_000)
    def marked(text: str) -> Markup:
        # A line may end behind a hyphen, and "e-" is no word.
        return do_mark_safe(texts(tag).get(text, text).replace("-mail", "\u2011mail"))

    def say(text: str, /, **values: object) -> Markup:
        return marked(text) % values if values else marked(text)

    return say


def _plural_in_template(one: str, many: str, number: int, /, **values: object) -> Markup:
    return do_mark_safe(_plural(one, many, number)) % {"num": number, **values}


@cache
def _locale(tag: str) -> Locale:
    return Locale.parse(tag, sep="-")


def _plural(one: str, many: str, number: int) -> str:
    # Chinese has one form for all numbers.
    return texts(current()).get(one, one if number == 1 else many)


def _first(forms: str | Sequence[str] | None) -> str:
    return forms if isinstance(forms, str) else (forms or [""])[0]


def _filled(text: str, values: Mapping[str, object]) -> str:
    return text % values if values else text


def _accepted() -> str:
    for tag, _quality in request.accept_languages:
        first = tag.lower().replace("_", "-").partition("-")[0]
        for known in LANGUAGES:
            if known.partition("-")[0] == first:
                return known
    return DEFAULT
