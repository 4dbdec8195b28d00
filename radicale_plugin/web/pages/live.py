"""What open pages ask again and again: whether anything that they show of others is another by now."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, jsonify, make_response, request

from radicale_plugin.web import live
from radicale_plugin.web.signed_in import open_to_all

blueprint = Blueprint("live", __name__, url_prefix="/live")


@blueprint.get("/")
@open_to_all
def look() -> Response:
    """
    Answer with how things stand, or that they stand as the asking page knows.

    Whoever is not signed in is told that; it does not send a page that nobody asked for to be signed in.
    """
    found = live.standing()
    if found is None:
        return jsonify(who=None)
    if request.if_none_match.contains(found.version):
        answer = make_response("", HTTPStatus.NOT_MODIFIED)
    else:
        answer = jsonify(live.told(found))
    answer.set_etag(found.version)
    return answer
