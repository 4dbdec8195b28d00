"""ACL, RFC 3744, 8.1: nobody may change who may do what, because only a person's own groups and grants decide that."""

from __future__ import annotations

from radicale_plugin.dav.errors import needs_privilege
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import existing
from radicale_plugin.dav.responses import Response


def acl(service: Service, request: Request) -> Response:
    """
    Refuse an ACL, whatever it asks for.

    Raises:
        DavError: 403 ``need-privileges`` (RFC 3744, 7.1.1), 404 for what is not there.
    """
    resource = existing(service, request)
    raise needs_privilege(resource.url, "write-acl", "What others may see is changed with groups, in the portal.")
