"""Card links as their owner looks after them: making one, showing it, and ending it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, url_for
from wtforms import DateField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, Optional

from radicale_plugin.web.audiences import audiences
from radicale_plugin.web.ends import until_time as until
from radicale_plugin.web.forms import Form, SelectField, choice
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.once import once
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.qr import code_of
from radicale_plugin.web.signed_in import current_person, database
from sync.card_links import links
from sync.card_links.links import LinkSecrets
from sync.database.engine import Session, settings_of
from sync.ends import local_time
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.sharing import groups

blueprint = Blueprint("card_links", __name__, url_prefix="/find/cards")
#: Minutes of a day: no clock is further apart from another.
_DAY = 24 * 60


class NewCardLink(Form):
    """Which card a link shows, and until when."""

    group_id = SelectField(lazy("Show the card as this group sees it"), [InputRequired()], validate_choice=False)
    label = StringField(
        lazy("What it is for"), [Length(max=100)], description=lazy("For yourself, such as “school reunion”.")
    )
    day = DateField(
        lazy("Last day"), [Optional()], description=lazy("Leave it blank to end it yourself, when you like.")
    )
    offset = IntegerField(default=0)


@dataclass(frozen=True, slots=True)
class Listed:
    """A link and what the group is called whose card it shows; *ends* says until when, where it ends by itself."""

    link: Any
    group: str
    ends: str


@blueprint.route("/", methods=["GET", "POST"])
def index() -> Response:
    """Show the links, and make one."""
    me = current_person().account_id
    form = NewCardLink()
    if form.accepted():
        try:
            make = once(lambda session: _make(session, me, form), url_for("card_links.index"))
            link_id = database().write(make)
        except InvalidInput as error:
            form.refuse("day", error)
        except LimitExceeded as error:
            form.refuse("label", error)
        except NotFound as error:
            form.refuse("group_id", error)
        else:
            say(_("The link is made. Whoever has it sees this card, without an account."))
            return go("card_links.one", link_id=link_id)
    with database().reading() as session:
        offered = audiences(groups.groups_of(session, me))
        made, can_make = _listed(session, me), bool(settings_of(session).base_url)
    # Nothing is chosen before somebody does: what stands first is not what they mean.
    form.group_id.choices = [choice("", _("Choose")), *(choice(str(each.id), each.title) for each in offered)]
    return page("card_links/index.html", 400 if form.errors else form.status, form=form, made=made, can_make=can_make)


@blueprint.get("/<int:link_id>")
def one(link_id: int) -> Response:
    """Show a link: to be copied, or scanned from the screen, and how often it was used."""
    listed, secrets = _one(link_id)
    return page("card_links/one.html", listed=listed, secrets=secrets)


@blueprint.get("/<int:link_id>/code.svg")
def code(link_id: int) -> Response:
    """Answer with a link as a QR code."""
    _listed_one, secrets = _one(link_id)
    return code_of(secrets.address)


@blueprint.post("/<int:link_id>/end")
def end(link_id: int) -> Response:
    """End a link."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: links.end(session, me, link_id))):
        say(_("The link is ended: it shows nobody anything any more. Who has downloaded the card keeps it."))
    return go("card_links.index")


def _make(session: Session, owner_id: int, form: NewCardLink) -> int:
    group_id, day = as_id(form.group_id.data or ""), form.day.data
    if group_id is None:
        raise NotFound("There is no such group.")
    offset = max(-_DAY, min(_DAY, form.offset.data or 0))
    at = local_time.moment(day, None, offset) if day is not None else None
    return links.create(session, owner_id, group_id, label=form.label.data or "", until=at, utc_offset=offset)


def _one(link_id: int) -> tuple[Listed, LinkSecrets]:
    me = current_person().account_id

    def read(session: Session) -> tuple[Listed, LinkSecrets]:
        links.link_of(session, me, link_id)
        (found,) = (each for each in _listed(session, me) if each.link.id == link_id)
        return found, links.secrets_of(session, me, link_id)

    with database().reading() as session:
        return read(session)


def _listed(session: Session, owner_id: int) -> Sequence[Listed]:
    titles = {each.id: each.title for each in audiences(groups.groups_of(session, owner_id))}
    return [Listed(link, titles.get(link.group_id, ""), _end_of(link)) for link in links.links_of(session, owner_id)]


def _end_of(link: Any) -> str:
    return until(link.ends_at, link.utc_offset) if link.ends_at is not None else ""
