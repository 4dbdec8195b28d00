"""
Marionette, the remote control that Thunderbird has built in: JSON over a TCP connection of this machine.

A packet is the length of its text in decimal octets, a colon, and the text. A command is ``[0, number, name,
parameters]``, its answer ``[1, number, error or null, result]``.
"""

from __future__ import annotations

import json
import socket
from typing import Any


class Refused(Exception):
    """A command failed. *kind* is the error code of WebDriver, such as ``javascript error``."""

    def __init__(self, kind: str, message: str) -> None:
        """Say which and why."""
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class Marionette:
    """One connection, which speaks one command after the other."""

    def __init__(self, port: int, timeout: float) -> None:
        """Connect to the *port*; no answer may take longer than *timeout* seconds."""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        # It speaks first, and says who it is.
        self._receive()

    def command(self, name: str, **parameters: object) -> Any:
        """
        Give a command and return its result.

        Raises:
            Refused: It failed.
            OSError: There is no answer.
        """
        self._number += 1
        text = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(text), text))
        _, number, error, result = self._receive()
        assert number == self._number, "an answer to another command"
        if error is not None:
            raise Refused(error["error"], error["message"])
        return result

    def close(self) -> None:
        """Close the connection; what it is connected to goes on."""
        self._stream.close()
        self._socket.close()

    def _receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._read(1)
        return json.loads(self._read(int(length[:-1])))

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise ConnectionResetError("Thunderbird closed the connection")
        return data
