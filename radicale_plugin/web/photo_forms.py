"""The form in which somebody chooses a picture, and which square of it: for their own card, and for a contact."""

from __future__ import annotations

from collections.abc import Callable

from flask_wtf.file import FileField
from werkzeug.datastructures import FileStorage
from wtforms import BooleanField, HiddenField, IntegerField
from wtforms.validators import NumberRange, Optional

from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from sync.errors import Conflict, InvalidInput
from sync.fields import FieldContent, field_from_photo
from sync.vcard.photos import Square


class PhotoForm(Form):
    """A picture, and which square of it. *seen* tells what photo there was when the form was opened."""

    picture = FileField(
        lazy("Picture"),
        description=lazy("A JPEG, PNG, GIF, BMP, TIFF or WebP file of at most 8 MB. Where it was taken is not kept."),
        render_kw={"accept": "image/*"},
    )
    square = BooleanField(lazy("Cut a square out of it"))
    across = IntegerField(lazy("From left to right"), [Optional(), NumberRange(0, 100)], render_kw={"type": "range"})
    down = IntegerField(lazy("From top to bottom"), [Optional(), NumberRange(0, 100)], render_kw={"type": "range"})
    zoom = IntegerField(
        lazy("Closer"), [Optional(), NumberRange(100, 400)], render_kw={"type": "range", "min": 100, "max": 400}
    )
    seen = HiddenField()

    @classmethod
    def beside(cls, now: FieldContent | None) -> PhotoForm:
        """Return the form of a page that shows the photo that there is *now*."""
        return cls(square=True, across=50, down=50, zoom=100, seen=_digest(now))

    def hand_over(self, now: FieldContent | None, put: Callable[[FieldContent, str], object]) -> int:
        """
        Give the photo that was sent to *put*, with the digest of that which was seen.

        Return the status of the page that is shown again, 0 where it is done: 409 where there is another one *now*
        than was seen, which whoever sends it again has seen.
        """
        if not self.accepted():
            return self.status
        try:
            put(field_from_photo(sent_octets(self.picture.data), self.chosen), self.seen.data or "")
        except Conflict as error:
            self.refuse("picture", error)
            self.seen.data = _digest(now)
            return 409
        except InvalidInput as error:
            self.refuse("picture", error)
            return 400
        return 0

    @property
    def chosen(self) -> Square | None:
        """The square to cut out, or None for all of the picture."""
        if not self.square.data:
            return None
        across, down, zoom = (item.data for item in (self.across, self.down, self.zoom))
        return Square(_share(across, 50), _share(down, 50), _share(zoom, 100))


def sent_octets(sent: object) -> bytes:
    """
    Return what is in a file that was sent.

    Raises:
        InvalidInput: There is none, or nothing is in it.
    """
    data = sent.read() if isinstance(sent, FileStorage) else b""
    if not data:
        raise InvalidInput(_("Choose a file first."))
    return data


def _digest(photo: FieldContent | None) -> str:
    return photo.digest if photo is not None else ""


def _share(number: int | None, otherwise: int) -> float:
    return (otherwise if number is None else number) / 100
