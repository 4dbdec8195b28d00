"""The photo of a contact, which devices show when it calls: of one's own, and of one that everybody has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Blueprint, Response, url_for

from radicale_plugin.web import pictures
from radicale_plugin.web.field_display import picture_of
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.photo_forms import PhotoForm
from radicale_plugin.web.pictures import Address
from radicale_plugin.web.portal import takes_files
from radicale_plugin.web.signed_in import current_person, database
from sync.contacts import editing
from sync.contacts.editing import PlacedField
from sync.fields import FieldContent, full_name

blueprint = Blueprint("contact_photo", __name__, url_prefix="/contacts")


@blueprint.route("/<int:entry_id>/photo", methods=["GET", "POST"])
@takes_files
def index(entry_id: int) -> Response:
    """Show the photo, and take another."""
    me = current_person().account_id

    def put(photo: FieldContent, seen: str) -> None:
        database().write(lambda session: editing.set_photo(session, me, entry_id, photo, seen=seen))

    def remove(place: int) -> str:
        return url_for("contact_fields.remove", entry_id=entry_id, place=place)

    with database().reading() as session:
        fields = editing.fields_of(session, me, entry_id)
    shown = chosen(
        fields,
        put,
        remove,
        url_for("contact_fields.edit", entry_id=entry_id),
        pictures.at("contacts.picture", entry_id=entry_id),
    )
    if shown is not None:
        return shown
    say(_("The photo is saved. Your devices fetch it when they look next."))
    return go("contact_fields.edit", entry_id=entry_id)


def chosen(
    fields: Sequence[PlacedField],
    put: Callable[[FieldContent, str], object],
    remove: Callable[[int], str],
    edit: str,
    address: Address,
    *,
    is_shared: bool = False,
) -> Response | None:
    """
    Return the page on which a contact with these *fields* gets a photo, None where one was sent that *put* took.

    *remove* returns where a field is taken off that is at a place, *edit* is where the contact is edited, and *address*
    tells where its picture is.
    """
    now = editing.photo_of(fields)
    content = now.content if now is not None else None
    form = PhotoForm.beside(content)
    status = form.hand_over(content, put)
    if not status:
        return None
    return page(
        "contacts/photo.html",
        status,
        form=form,
        name=full_name([each.content for each in fields], "") or _("Contact without a name"),
        edit=edit,
        picture=picture_of(content, address) if content is not None else "",
        remove=remove(now.place) if now is not None else "",
        seen=content.digest if content is not None else "",
        is_shared=is_shared,
    )
