"""One's own contacts written: made, and changed field by field."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from radicale_plugin.web import pictures
from radicale_plugin.web.contact_editor import Editor, NewContact, Words
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.once import once
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.contacts import editing
from sync.errors import InvalidInput

blueprint = Blueprint("contact_fields", __name__, url_prefix="/contacts")


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> Response:
    """Make a contact."""
    form, me = NewContact(), current_person().account_id
    if form.accepted():
        try:
            said = form.contents()
            make = once(lambda session: editing.add(session, me, said), url_for("contacts.index"))
            entry_id = database().write(make)
        except InvalidInput as error:
            form.refuse("name", error)
            return page("contacts/new.html", 400, form=form)
        say(_("The contact is made, for you alone. Your devices fetch it when they look next."))
        return go("contacts.one", entry_id=entry_id)
    return page("contacts/new.html", form.status, form=form)


@blueprint.get("/<int:entry_id>/edit")
def edit(entry_id: int) -> Response:
    """Show a contact with its fields as forms."""
    return _editor(entry_id).edit()


@blueprint.route("/<int:entry_id>/add/<kind>", methods=["GET", "POST"])
def add(entry_id: int, kind: str) -> Response:
    """Add a field to a contact."""
    return _editor(entry_id).add(kind)


@blueprint.route("/<int:entry_id>/fields/<int:place>", methods=["GET", "POST"])
def save(entry_id: int, place: int) -> Response:
    """Give a field of a contact another value."""
    return _editor(entry_id).save(place)


@blueprint.post("/<int:entry_id>/fields/<int:place>/remove")
def remove(entry_id: int, place: int) -> Response:
    """Take a field off a contact."""
    return _editor(entry_id).remove(place)


def _editor(entry_id: int) -> Editor:
    return Editor(
        viewer_id=current_person().account_id,
        entry_id=entry_id,
        require=lambda _session: None,
        change=lambda act, then: database().write(once(act, then) if then else act),
        endpoints="contact_fields",
        values={"entry_id": entry_id},
        back=url_for("contacts.one", entry_id=entry_id),
        photo=url_for("contact_photo.index", entry_id=entry_id),
        pictures=pictures.at("contacts.picture", entry_id=entry_id),
        words=Words(
            about=_("Only you see this contact. What you do not touch stays as your devices wrote it."),
            changed=lambda title: _("%(title)s is changed. Your devices fetch it when they look next.", title=title),
            removed=_("It is taken off the contact, which can be brought back as it was under Activity."),
        ),
    )
