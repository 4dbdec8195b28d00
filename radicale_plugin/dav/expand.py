"""The expand-property report, RFC 3253, 3.8: properties, and properties of what they name, in one answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import unescape

from radicale_plugin.dav import paths
from radicale_plugin.dav.expand_xml import Expanded, ExpandProperty
from radicale_plugin.dav.multistatus import multistatus
from radicale_plugin.dav.names import element
from radicale_plugin.dav.properties import gone, response
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import Resource, existing, find
from radicale_plugin.dav.responses import Response

#: Text never looks like it: properties are markup, in which a "<" of a text is written in another way.
_HREF = re.compile("<D:href>([^<]*)</D:href>")


def expand_property(service: Service, request: Request, asked: ExpandProperty) -> Response:
    """
    Answer with the properties of the resource, and a ``DAV:response`` in place of every href in one that was nested.

    What somebody else has is not there, as what nobody has.

    Raises:
        DavError: 404, there is no such resource.
    """
    return multistatus([_response(service, request, existing(service, request), asked.properties)])


def _response(service: Service, request: Request, resource: Resource, asked: Sequence[Expanded]) -> str:
    found, missing = [], []
    for wanted in asked:
        value = resource.table.get(wanted.name)
        if value is None and (kept := resource.kept().get(wanted.name)) is not None:
            found.append(kept)
        elif value is None:
            missing.append(element(wanted.name))
        else:
            found.append(element(wanted.name, _expanded(service, request, value(request.place), wanted)))
    return response(resource.url, "".join(found), "" if request.minimal else "".join(missing))


def _expanded(service: Service, request: Request, content: str, wanted: Expanded) -> str:
    if not wanted.inside:
        return content

    def named(match: re.Match[str]) -> str:
        url = unescape(match[1])
        location = paths.locate(paths.decode(url, request.place.prefix) or "")
        resource = find(service, request.place, location) if location is not None else None
        return gone(url) if resource is None else _response(service, request, resource, wanted.inside)

    return _HREF.sub(named, content)
