"""What a digest says: whose cards changed, and of which kinds the fields are that did. It never says a value."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from string import Template

from sync.digests.changes import ChangedCard
from sync.fields import CATALOGUE
from sync.notify import templates
from sync.notify.templates import Text

_COMMAS = {"zh-Hans": "、"}
#: Kinds that are named of one person; the others are counted together as one more.
_KINDS = 8
_NAME = 80


def text_of(cards: Sequence[ChangedCard], language: str, named: int, *, link: str, unsubscribe: str) -> Text:
    """Return a digest of these cards, of which there is one at least; so many are *named*, and the others counted."""
    language = language if language in templates.LANGUAGES else templates.ENGLISH
    lines = [_line(card, language) for card in cards[:named]]
    if len(cards) > named:
        lines.append(_say("more", language, number=str(len(cards) - named)))
    who = _name(cards[0]) if len(cards) == 1 else _say("several", language, number=str(len(cards)))
    values = {"who": who, "people": "\n".join(lines), "link": link, "unsubscribe": unsubscribe}
    return templates.render("digest", "email", language, values)


def _line(card: ChangedCard, language: str) -> str:
    # What a field of a kind without a name is called comes from somebody's device.
    known = [kind for kind in card.kinds if kind in CATALOGUE][:_KINDS]
    kinds = [*known, *(["other"] if len(known) < len(card.kinds) else [])]
    said = _COMMAS.get(language, ", ").join(_say(kind, language) for kind in kinds)
    return _say("line", language, name=_name(card), kinds=said)


def _name(card: ChangedCard) -> str:
    return " ".join(templates.plain(card.name).split())[:_NAME]


def _say(key: str, language: str, **values: str) -> str:
    return Template(_words(language)[key]).substitute(values)


@functools.cache
def _words(language: str) -> Mapping[str, str]:
    return dict(line.split(" = ", 1) for line in templates.lines("digest.words", language))
