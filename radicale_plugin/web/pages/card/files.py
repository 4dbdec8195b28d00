"""One's own card as files: the photo, a card to take over, and the card to take away."""

from __future__ import annotations

from flask import Response, flash, make_response, request
from flask_wtf.file import FileField
from wtforms import HiddenField, RadioField

from radicale_plugin.web import pictures
from radicale_plugin.web.error_messages import explained
from radicale_plugin.web.field_display import picture_of
from radicale_plugin.web.forms import Form, choice
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy, ngettext
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.card.area import blueprint
from radicale_plugin.web.photo_forms import PhotoForm, sent_octets
from radicale_plugin.web.portal import takes_files
from radicale_plugin.web.signed_in import current_person, database
from sync import vcard
from sync.database.engine import Session
from sync.errors import Conflict, InvalidInput
from sync.fields import FieldContent, without_broken_photos
from sync.merging import intake
from sync.profiles import edits, first_photo, profiles
from sync.sharing import history
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of

MERGE, REPLACE = "merge", "replace"


class ImportForm(Form):
    """A card in a file, and what becomes of the card that there is."""

    file = FileField(
        lazy("File"),
        description=lazy("A vCard file (.vcf) with one card in it: yours, as your phone or mail program shares it."),
        render_kw={"accept": ".vcf,text/vcard,text/x-vcard,text/directory"},
    )
    how = RadioField(
        lazy("What to do with it"),
        choices=[
            choice(MERGE, lazy("Add what is new, and keep everything that is there")),
            choice(REPLACE, lazy("Make my card like the file: what is not in it is removed")),
        ],
    )
    seen = HiddenField()


@blueprint.route("/photo", methods=["GET", "POST"])
@takes_files
def photo() -> Response:
    """Show the photo, and take another."""
    person = current_person()
    with database().reading() as session:
        field_id, content = _photo(session, person.account_id)
    is_first = False

    def put(picture: FieldContent, seen: str) -> None:
        nonlocal is_first
        is_first = database().write(lambda session: _put(session, person.account_id, picture, seen))

    form = PhotoForm.beside(content)
    status = form.hand_over(content, put)
    if not status:
        if is_first:
            # `card/first_photo.html` says it, with the button that takes it back.
            flash("", "photo")
        elif content is None:
            say(_("The photo is on your card. Nobody but you sees it yet."))
        else:
            say(_("The photo is changed, for everybody who sees it."))
        return go("card.index")
    picture_now = picture_of(content) if content is not None else ""
    with database().reading() as session:
        is_first = first_photo.is_first(session, person.account_id)
    seen = content.digest if content is not None else ""
    values = {"picture": picture_now, "field_id": field_id, "seen": seen, "is_first": is_first}
    return page("card/photo.html", status, form=form, **values)


@blueprint.get("/picture")
def picture() -> Response:
    """Answer with a picture that is, or was, on one's own card: nobody else sees what was."""
    with database().reading() as session:
        found = history.pictured(session, current_person().account_id, pictures.asked())
    return pictures.answer(pictures.of_fields(FieldContent.load(each.kind, each.content) for each in found))


@blueprint.post("/photo/keep")
def keep_photo() -> Response:
    """Let connections no longer see the photo."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: first_photo.keep(session, me))):
        say(_("Your connections do not see the photo any more."))
    return go("card.index")


@blueprint.get("/exchange")
def exchange() -> Response:
    """Show the ways in and out."""
    with database().reading() as session:
        seen = edits.latest(session, current_person().account_id)
    return page("card/exchange.html", form=ImportForm(how=MERGE, seen=str(seen)))


@blueprint.post("/import")
@takes_files
def import_card() -> Response:
    """Take a card over."""
    person = current_person()
    form = ImportForm()
    status = 400
    if form.accepted():
        try:
            card, broken = without_broken_photos(_one(sent_octets(form.file.data)))
            seen = as_id(form.seen.data or "")
            replace = form.how.data == REPLACE
            # What is only added overwrites nothing.
            required = (-1 if seen is None else seen) if replace else None
            changed = database().write(
                lambda session: profiles.import_card(session, person.account_id, card, replace=replace, seen=required)
            )
        except (InvalidInput, Conflict) as error:
            form.refuse("file", error)
            if isinstance(error, Conflict):
                with database().reading() as session:
                    form.seen.data, status = str(edits.latest(session, person.account_id)), 409
        else:
            say(
                ngettext(
                    "%(num)s field of your card was added, changed or removed.",
                    "%(num)s fields of your card were added, changed or removed.",
                    changed,
                )
            )
            if broken:
                say(_("A photo could not be read and was left out."))
            if card.flaws:
                say(_("What could not be read was left out: %(why)s", why=explained(card.flaws[0])))
            return go("card.index")
    return page("card/exchange.html", status, form=form)


@blueprint.get("/export")
def export() -> Response:
    """Give the card away as a file, to its owner."""
    person = current_person()
    version = "4.0" if request.args.get("version") == "4.0" else "3.0"
    with database().reading() as session:
        text = profiles.export(session, person.account_id, version)
    answer = make_response(text)
    answer.headers["Content-Type"] = "text/vcard; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{person.login}.vcf"'
    return answer


def _photo(session: Session, owner_id: int) -> tuple[int, FieldContent] | tuple[None, None]:
    found = next((field for field in fields_of(session, owner_id) if field.kind == "photo"), None)
    return (found.id, content_of(found)) if found is not None else (None, None)


def _put(session: Session, owner_id: int, picture: FieldContent, seen: str) -> bool:
    """Give somebody's card a photo in place of what was *seen*, and return whether it is their first one."""
    field_id, before = _photo(session, owner_id)
    _require_seen(before, seen)
    if field_id is None:
        return first_photo.add(session, owner_id, picture)
    profiles.set_field(session, owner_id, field_id, picture, seen=seen)
    return False


def _require_seen(photo: FieldContent | None, seen: str) -> None:
    if seen != (photo.digest if photo is not None else ""):
        raise Conflict("This field was changed meanwhile; look at what it says now.")


def _one(data: bytes) -> vcard.VCard:
    cards = list(vcard.split(data))
    if not cards:
        raise InvalidInput(_("This file has no card in it."))
    if len(cards) > 1:
        raise InvalidInput(
            _("There are %(count)s cards in this file; choose one with only yours in it.", count=len(cards))
        )
    return intake.read(cards[0])
