"""
Pictures: each has an address that names it by its digest, so pages stay small and a browser fetches a picture once.

The address names no right. Whoever answers there looks for the picture among those that the page may show, by the
page's own rule, to who asks now; any other is not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias, cast

from flask import Response, abort, make_response, request, url_for

from sync import fields
from sync.fields import FieldContent, media
from sync.vcard import parse_one

#: Returns the address of the picture that has a digest.
Address: TypeAlias = Callable[[str], str]
#: What stands at an address with a digest never is another picture.
_FOR_GOOD = "private, max-age=31536000, immutable"


def at(endpoint: str, **values: Any) -> Address:
    """Return where pictures of something are: what answers to *endpoint* with these *values* shows them."""

    def address(digest: str) -> str:
        return url_for(endpoint, **values, digest=digest)

    return address


#: Where the pictures are that a person's own card has and had.
OWN = at("card.picture")


def asked() -> str:
    """Return the digest of the picture that is asked for, empty where any is."""
    return request.args.get("digest", "")


def digest_of(picture: bytes) -> str:
    """Return what an address names a picture by."""
    return hashlib.sha256(picture).hexdigest()


def octets_of(content: FieldContent) -> bytes | None:
    """Return the picture that a photo field holds; None for any other field, and where it stands elsewhere."""
    return media.octets_of(media.encoded_data(content.main)) if content.kind == "photo" else None


def of_fields(contents: Iterable[FieldContent | None]) -> Iterator[bytes]:
    """Yield the pictures that these fields hold."""
    for content in contents:
        if content is not None and (octets := octets_of(content)):
            yield octets


def of_card(text: str) -> Iterator[bytes]:
    """Yield the pictures on the card *text*, as `field_display.shown_card` shows them."""
    return of_fields(fields.fields_of(parse_one(text)))


def answer(pictures: Iterable[bytes]) -> Response:
    """
    Answer with the one among *pictures*, JPEGs that who asks may see now, that is asked for, or with the first of them.

    A browser keeps what an address names for good; of another it asks whether it is still the same.
    """
    digest = asked()
    picture = next((each for each in pictures if not digest or digest_of(each) == digest), None)
    if picture is None:
        abort(404)
    response = make_response(picture)
    response.content_type = "image/jpeg"
    response.set_etag(digest or digest_of(picture))
    response.headers["Cache-Control"] = _FOR_GOOD if digest else "private, no-cache"
    return cast("Response", response.make_conditional(request))


def answer_one(picture: bytes | None) -> Response:
    """Answer with the *picture* that there is, if there is one."""
    return answer([] if picture is None else [picture])
