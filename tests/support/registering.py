"""Devices that register over HTTP to be told of changes in their address book, as DAVx5 does."""

from __future__ import annotations

import email.utils
import time
from dataclasses import dataclass

from lxml import etree

from tests.support import dav
from tests.support.push_service import P, PushService, Received, Subscriber

KEY, TOPIC = f"{P}web-push/{P}vapid-public-key", f"{P}topic"
#: Seconds that a device asks for, which is more than any test lets go by.
LONG = 30 * 86_400
_ASKED = (
    '<D:propfind xmlns:D="DAV:" xmlns:P="https://bitfire.at/webdav-push">'
    "<D:prop><P:transports/><P:topic/><D:sync-token/></D:prop></D:propfind>"
)
_XML = "application/xml; charset=utf-8"


@dataclass(eq=False)
class Registration:
    """
    One device's registration for its person's address book: the *url* that names it, and by which *topic* it is told.

    *token* is the state of the book that the device saw last.
    """

    client: dav.Client
    subscriber: Subscriber
    url: str
    topic: str
    token: str

    def renew(self) -> None:
        """Say again that the device is to be told: it is the same registration."""
        assert _posted(self.client, self.subscriber, 204) == self.url

    def leave(self) -> None:
        """End it."""
        path = self.url[self.url.index(self.client.principal) :]
        assert self.client.request("DELETE", path).status == 204

    def says(self, message: Received) -> bool:
        """Whether a message says that this device's book is in the state that is known, and nothing else."""
        tags = [each.tag for each in message.xml.iter()]
        assert tags == [f"{P}push-message", f"{P}topic", f"{P}content-update", "{DAV:}sync-token"]
        said = "".join(str(text) for text in message.xml.itertext())
        return said == f"{self.topic}{self.token}"


def register(service: PushService, client: dav.Client) -> Registration:
    """Let a device look at what its person's address book shows, and register with a new push resource."""
    answer = client.request("PROPFIND", client.book, _ASKED, {"Content-Type": _XML, "Depth": "0"})
    shown = etree.fromstring(answer.body).find(".//{DAV:}prop")
    assert shown is not None
    key, topic, token = (shown.findtext(name) for name in (f"{P}transports/{KEY}", TOPIC, dav.SYNC_TOKEN))
    assert key
    assert topic
    assert token
    subscriber = service.subscribe(key=key)
    return Registration(client, subscriber, _posted(client, subscriber, 201), topic, token)


def _posted(client: dav.Client, subscriber: Subscriber, status: int) -> str:
    expires = email.utils.formatdate(time.time() + LONG, usegmt=True)
    answer = client.request("POST", client.book, subscriber.register(expires=expires), {"Content-Type": _XML})
    assert answer.status == status, answer
    return answer.header("Location")
