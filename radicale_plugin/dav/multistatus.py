"""Answers of many parts, of any size: small ones from memory, large ones from a temporary file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from typing import IO

from radicale_plugin.dav.names import NAMESPACES, XML_TYPE, tags
from radicale_plugin.dav.names import dav as dav_name
from radicale_plugin.dav.responses import Response

HEAD = f'<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus{NAMESPACES}>\n'
_TOKEN = tags(dav_name("sync-token"))
TAIL = "</D:multistatus>\n"
#: An answer larger than this many octets goes through a file, so that a worker's memory does not follow the size of a
#: book and a slow client does not keep a transaction open.
IN_MEMORY = 1024 * 1024
_CHUNK = 64 * 1024


class FileBody:
    """A body that is read from a file and closes it at the end, as PEP 3333 has it."""

    def __init__(self, file: IO[bytes]) -> None:
        """Serve *file* from its beginning."""
        self._file = file
        file.seek(0)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the file in pieces."""
        while chunk := self._file.read(_CHUNK):
            yield chunk

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def multistatus(responses: Iterable[str], sync_token: str = "") -> Response:
    """Return a 207 with these ``DAV:response`` elements; *sync_token* is for sync-collection (RFC 6578, 3.2)."""
    parts = [HEAD]
    size = 0
    file: IO[bytes] | None = None
    for part in responses:
        parts.append(part)
        size += len(part)
        if size > IN_MEMORY:
            if file is None:
                file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by FileBody
            file.write("".join(parts).encode())
            parts.clear()
            size = 0
    if sync_token:
        parts.append(f"{_TOKEN[0]}{sync_token}{_TOKEN[1]}")
    parts.append(TAIL)
    data = "".join(parts).encode()
    headers = [("Content-Type", XML_TYPE)]
    if file is None:
        return Response(207, headers, data)
    file.write(data)
    size = file.tell()
    return Response(207, headers, FileBody(file), size)
