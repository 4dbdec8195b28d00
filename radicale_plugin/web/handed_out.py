"""In which language the pages are that people hand out by a link, to whoever does not say which they read."""

from __future__ import annotations

from flask import g, request, session

from radicale_plugin.web.language import LANGUAGES
from radicale_plugin.web.signed_in import database, visitor
from sync.sharing.preferences import preferences_of


def speak_as(owner_id: int) -> None:
    """
    Answer in the language of whose link it is, where nobody asks for one.

    Messengers fetch what they show of a link and name none; what they show is read by whom its owner writes to, as is a
    letter of theirs, which is in the same language.
    """
    if request.accept_languages or "language" in session or visitor() is not None:
        return
    with database().reading() as reading:
        tag = preferences_of(reading, owner_id).language
    if tag in LANGUAGES:
        g.language = tag
