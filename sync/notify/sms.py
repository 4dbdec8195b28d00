"""
Text messages, by a gateway that takes a POST.

The gateway's address comes from the configuration, and still it is only called by https at a public address: what is
resolved is checked, and the connection goes to what was checked.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import certifi
import urllib3

from sync.errors import InvalidInput
from sync.notify import outgoing
from sync.notify.outbox import Letter, Sender, Undeliverable, Unreachable
from sync.settings import Sending

TIMEOUT = urllib3.Timeout(connect=5, read=10)
TOO_MANY = 429


def sender(settings: Sending) -> Sender:
    """
    Return what hands messages to the gateway of *settings*.

    Raises:
        InvalidInput: Its address is not one that may be called.
    """
    address = urlsplit(settings.sms_url)
    schemes = ("https", "http") if settings.allow_local else ("https",)
    if address.scheme not in schemes or not address.hostname:
        raise InvalidInput("The option sms_url must be an https address.")
    port = address.port or (443 if address.scheme == "https" else 80)
    path = (address.path or "/") + (f"?{address.query}" if address.query else "")
    headers = {"Content-Type": "application/json", "Host": address.netloc.rpartition("@")[2]}
    for line in filter(None, map(str.strip, settings.sms_headers.splitlines())):
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()

    def send(letter: Letter) -> None:
        body = _body(settings.sms_body, letter.recipient, letter.text.body)
        target = _resolve(str(address.hostname), port, allow_local=settings.allow_local)
        try:
            with _pool(address.scheme, str(address.hostname), target, port) as pool:
                answer = pool.request(
                    "POST",
                    path,
                    body=body.encode(),
                    headers=headers,
                    retries=False,
                    redirect=False,
                    preload_content=False,
                )
                status = answer.status
                answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"the gateway cannot be used ({type(error).__name__})") from error
        if 400 <= status < 500 and status not in (401, 403, 408, TOO_MANY):
            raise Undeliverable(f"the gateway refuses it ({status})")
        if not 200 <= status < 300:
            raise Unreachable(f"the gateway answers {status}")

    return send


def _body(form: str, recipient: str, text: str) -> str:
    return form.replace("{to}", json.dumps(recipient)).replace("{text}", json.dumps(text))


def _resolve(host: str, port: int, *, allow_local: bool) -> str:
    try:
        return outgoing.resolve(host, port, allow_local=allow_local)
    except outgoing.NotPublic as error:
        raise Unreachable("the gateway's name leads to an address that is not public") from error
    except OSError as error:
        raise Unreachable("the gateway's name cannot be resolved") from error


def _pool(scheme: str, host: str, target: str, port: int) -> urllib3.HTTPConnectionPool:
    if scheme == "http":
        return urllib3.HTTPConnectionPool(target, port, timeout=TIMEOUT)
    return urllib3.HTTPSConnectionPool(
        target, port, timeout=TIMEOUT, ca_certs=certifi.where(), server_hostname=host, assert_hostname=host
    )
