"""The photo of a contact of one's own, which its devices show when it calls."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, url_for

from radicale_plugin.web.field_display import picture_of
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.photo_forms import PhotoForm
from radicale_plugin.web.portal import takes_files
from radicale_plugin.web.signed_in import current_person, database
from sync.contacts import editing
from sync.contacts.editing import PlacedField
from sync.errors import Conflict, InvalidInput
from sync.fields import full_name

blueprint = Blueprint("contact_photo", __name__, url_prefix="/contacts")


@blueprint.route("/<int:entry_id>/photo", methods=["GET", "POST"])
@takes_files
def index(entry_id: int) -> Response:
    """Show the photo, and take another."""
    me = current_person().account_id
    with database().reading() as session:
        fields = editing.fields_of(session, me, entry_id)
    before = editing.photo_of(fields)
    seen = before.content.digest if before is not None else ""
    form = PhotoForm(square=True, across=50, down=50, zoom=100, seen=seen)
    status = form.status
    if form.accepted():
        try:
            photo = form.content()
            shown = form.seen.data or ""
            database().write(lambda session: editing.set_photo(session, me, entry_id, photo, seen=shown))
        except Conflict as error:
            form.refuse("picture", error)
            # Whoever sends it again has seen which there is.
            form.seen.data, status = seen, 409
        except InvalidInput as error:
            form.refuse("picture", error)
            status = 400
        else:
            say(_("The photo is saved. Your devices fetch it when they look next."))
            return go("contact_fields.index", entry_id=entry_id)
    return _show(entry_id, form, status, fields)


def _show(entry_id: int, form: PhotoForm, status: int, fields: Sequence[PlacedField]) -> Response:
    now = editing.photo_of(fields)
    return page(
        "contacts/photo.html",
        status,
        form=form,
        entry_id=entry_id,
        name=full_name([each.content for each in fields], "") or _("Contact without a name"),
        edit=url_for("contact_fields.index", entry_id=entry_id),
        picture=picture_of(now.content) if now is not None else "",
        place=now.place if now is not None else None,
        seen=now.content.digest if now is not None else "",
    )
