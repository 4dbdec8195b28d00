"""Notifications: which browsers tell their person that somebody changed their card, and the service worker there."""

from __future__ import annotations

import contextlib
import json
from base64 import urlsafe_b64decode

from flask import Blueprint, Response
from wtforms import HiddenField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import assets, language
from radicale_plugin.web.field_display import kind_title
from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database, open_to_all
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.fields import CATALOGUE
from sync.push import browsers, endpoints, keys
from sync.push.browsers import Keys

blueprint = Blueprint("notifications", __name__)

#: What the service worker says; "{}" is filled in there.
_SAID = {
    "changed": lazy("New or changed: {}"),
    "and": lazy("{} and more"),
    "more": lazy("More people changed their cards: {}"),
    "something": lazy("Somebody changed their card."),
    "between": lazy(", "),
}


class Place(Form):
    """Where this browser is called, as its push service said."""

    endpoint = HiddenField(
        validators=[InputRequired(), Length(max=endpoints.LONGEST)], render_kw={"maxlength": endpoints.LONGEST}
    )
    public_key = HiddenField(validators=[InputRequired(), Length(max=200)])
    auth_secret = HiddenField(validators=[InputRequired(), Length(max=100)])


@blueprint.get("/notifications/")
def index() -> Response:
    """Show whether this browser tells of changes, and which others do."""
    person = current_person()
    can_push = database().settings.can_push
    with database().reading() as session:
        telling = browsers.telling(session, person.account_id)
        key = keys.current(session).text if can_push else ""
    mine = next((each for each in telling if each.session_id == person.id), None)
    return page("notifications/index.html", form=Place(), key=key, mine=mine, telling=telling, can_push=can_push)


@blueprint.post("/notifications/on")
def on() -> Response:
    """Let this browser tell of changes from now on."""
    person, form = current_person(), Place()

    def register() -> None:
        try:
            wanted = _keys(form)
            database().write(
                lambda session: browsers.register(session, person.account_id, person.id, language.current(), wanted)
            )
        except (InvalidInput, LimitExceeded, NotFound) as error:
            raise InvalidInput(
                _(
                    "This browser cannot be told: its push service is none that this server calls, or too much is "
                    "told already."
                )
            ) from error

    if attempt(register):
        say(_("This browser tells you from now on, even when no page of Evercard is open."))
    return go("notifications.index")


@blueprint.post("/notifications/<int:session_id>/off")
def off(session_id: int) -> Response:
    """Let a browser tell of nothing any more."""
    me = current_person().account_id
    # It may have been ended elsewhere by now.
    with contextlib.suppress(NotFound):
        database().write(lambda session: browsers.remove(session, me, session_id))
    say(_("That browser tells you nothing more."))
    return go("notifications.index")


@blueprint.get("/sw.js")
@open_to_all
def worker() -> Response:
    """Return the service worker, with what it says in every language; it is nobody's in particular."""
    said = {
        "icon": assets.asset("icon-192.png"),
        "texts": {tag: _texts(tag) for tag in language.LANGUAGES},
        "otherwise": language.DEFAULT,
    }
    code = (assets.STATIC / "worker.js").read_text(encoding="utf-8")
    answer = Response(f"const SAID = {json.dumps(said)};\n{code}", mimetype="text/javascript")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _texts(tag: str) -> dict[str, object]:
    with language.speaking(tag):
        said = {name: str(text) for name, text in _SAID.items()}
        return {**said, "kinds": {key: kind_title(key) for key in CATALOGUE}}


def _keys(form: Place) -> Keys:
    if not database().settings.can_push or not form.accepted():
        raise InvalidInput("This browser cannot be called.")
    return Keys(form.endpoint.data or "", _octets(form.public_key.data or ""), _octets(form.auth_secret.data or ""))


def _octets(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.rstrip("=").encode("ascii") + b"=" * (-len(text.rstrip("=")) % 4))
    except ValueError as error:
        raise InvalidInput("This is not base64url.") from error
