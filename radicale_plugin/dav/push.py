"""WebDAV-Push (draft-bitfire-webdav-push-00): a device registers to be told when a collection changes."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from email.utils import formatdate, parsedate_to_datetime

from lxml import etree

from radicale_plugin.dav.bodies import parse
from radicale_plugin.dav.errors import DavError
from radicale_plugin.dav.paths import Kind
from radicale_plugin.dav.push_names import push, registration_id, registration_url
from radicale_plugin.dav.requests import Request, Service
from radicale_plugin.dav.resources import book_of
from radicale_plugin.dav.responses import Response
from radicale_plugin.dav.states import write
from sync.database.engine import Session
from sync.errors import InvalidInput, LimitExceeded, NotFound
from sync.push import subscriptions
from sync.push.keys import HOME
from sync.push.subscriptions import Registered, Wanted
from sync.shared_books import access, layers

_ENCODING = "aes128gcm"


def register(service: Service, request: Request) -> Response:
    """
    Answer POST of a ``push-register`` to an address book or the home: register the device, or renew what it registered.

    Raises:
        DavError: 403 ``push-not-available``, ``invalid-subscription`` or ``no-supported-trigger``; 400 and 415 for a
        body that is something else; 404.
    """
    if request.location.kind not in (Kind.PRINCIPAL, Kind.BOOK) or request.place.push is None:
        raise _unavailable("Nobody can be told of changes here.")
    book_id = HOME if request.location.kind is Kind.PRINCIPAL else book_of(service, request).id
    wanted = _wanted(request)
    caller = request.place.caller

    def register(session: Session) -> Registered:
        shared = access.find(session, caller.account_id, request.location.book)
        if shared is not None:
            layers.ensure(session, shared)
        return subscriptions.register(session, caller.account_id, caller.device_id, book_id, wanted)

    try:
        found = write(
            service,
            request,
            register,
        )
    except (LimitExceeded, NotFound) as error:
        raise _unavailable(str(error)) from error
    except InvalidInput as error:
        raise _invalid(str(error)) from error
    headers = [
        ("Location", registration_url(request.place, found.id)),
        ("Expires", formatdate(found.expires_at, usegmt=True)),
        # That time is the registration's, and not how long this answer is true.
        ("Cache-Control", "no-store"),
    ]
    return Response(201 if found.is_new else 204, headers)


def unregister(service: Service, request: Request) -> Response:
    """
    Answer DELETE of a registration.

    Raises:
        DavError: 404, the device has no such registration, or none any more.
    """
    caller, subscription_id = request.place.caller, registration_id(request.location.name)
    if subscription_id is None:
        raise DavError(404, "There is no such registration.")
    write(
        service,
        request,
        lambda session: subscriptions.remove(session, caller.account_id, caller.device_id, subscription_id),
    )
    return Response(204)


def _wanted(request: Request) -> Wanted:
    if request.content_type.split(";")[0].strip().lower() not in ("application/xml", "text/xml"):
        raise DavError(415, "The body of a POST is a push-register element, as application/xml.")
    root = parse(request.body)
    if root.tag != push("push-register"):
        raise DavError(400, "The body of a POST is a push-register element.")
    content, properties = _triggers(root.find(push("trigger")))
    asked = root.find(f"{push('subscription')}/{push('web-push-subscription')}")
    if asked is None:
        raise _invalid("A registration has a subscription of Web Push.")
    if _text(asked, "content-encoding") not in ("", _ENCODING):
        raise _invalid(f"Messages are encrypted as {_ENCODING}.")
    key = asked.find(push("subscription-public-key"))
    if key is None or key.get("type", "p256dh") != "p256dh":
        raise _invalid("A message needs a key of the device, of the type p256dh, to be encrypted with.")
    return Wanted(
        endpoint=_text(asked, "push-resource"),
        public_key=_octets(_text(asked, "subscription-public-key")),
        auth_secret=_octets(_text(asked, "auth-secret")),
        content=content,
        properties=properties,
        until=_moment(_text(root, "expires")),
    )


def _triggers(asked: etree._Element | None) -> tuple[bool, bool]:
    """Return whether changes of members and of properties are told; whatever depth is asked for, it is ours."""
    if asked is None:
        # DAVx5 says nothing (client fact D-12).
        return True, False
    content, properties = (asked.find(push(name)) is not None for name in ("content-update", "property-update"))
    if not content and not properties:
        raise DavError(403, "Changes of content and of properties can be told.", push("no-supported-trigger"))
    return content, properties


def _text(node: etree._Element, name: str) -> str:
    return (node.findtext(push(name)) or "").strip()


def _octets(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.rstrip("=").encode("ascii") + b"=" * (-len(text.rstrip("=")) % 4))
    except ValueError as error:
        raise _invalid("The key and the secret of a subscription are written in base64url.") from error


def _moment(text: str) -> int | None:
    try:
        return int(parsedate_to_datetime(text).timestamp()) if text else None
    except (ValueError, OverflowError, TypeError):
        return None


def _unavailable(message: str) -> DavError:
    return DavError(403, message, push("push-not-available"))


def _invalid(message: str) -> DavError:
    return DavError(403, message, push("invalid-subscription"))
