"""An answer, before it becomes WSGI's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

Headers = list[tuple[str, str]]

#: The methods that are answered, whatever the resource.
ALLOW = "OPTIONS, GET, HEAD, PUT, DELETE, COPY, MOVE, MKCOL, PROPFIND, PROPPATCH, REPORT, ACL"


@dataclass(slots=True)
class Response:
    """
    Status, headers without Content-Length, and the body, in one piece or as chunks.

    *length* is the number of octets of a body in chunks; of one in one piece it need not be given.
    """

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes | Iterable[bytes] = b""
    length: int = 0
