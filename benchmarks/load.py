"""
A light load generator: ``python -m benchmarks.load PORT CONNECTIONS COUNT FILE``.

FILE holds requests as a JSON list of texts; they are sent in turn over connections that are kept, each with one request
under way. Prints as JSON how many answers of each status there were, and their octets.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Request:
    """One request, before it becomes octets."""

    method: str
    path: str
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def text(self) -> str:
        """Write the request as it goes over the wire, one character for each octet."""
        body = self.body.encode()
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(lines) + "\r\n\r\n" + body.decode("latin-1")


def send(port: int, requests: Sequence[Request], count: int, connections: int = CONNECTIONS) -> int:
    """
    Send *count* requests from a process of its own and return the octets of all answers.

    Raises:
        RuntimeError: An answer had another status than 207, 204 for what was stored, or 304 for what is as it was.
    """
    with TemporaryDirectory() as directory:
        file = Path(directory) / "requests"
        file.write_text(json.dumps([request.text() for request in requests]))
        command = [sys.executable, "-m", "benchmarks.load", str(port), str(connections), str(count), str(file)]
        output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    result = json.loads(output)
    if not result["statuses"].keys() <= {"204", "207", "304"} or sum(result["statuses"].values()) != count:
        raise RuntimeError(f"The server answered {result['statuses']}.")
    return int(result["octets"])


def fetch(port: int, request: Request) -> str:
    """Return the body of the answer to one request."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request.text().encode("latin-1"))
        answer = _Answer()
        while not answer.feed(connection.recv(1 << 18)):
            pass
        return b"".join(answer.parts).partition(b"\r\n\r\n")[2].decode()


class _Answer:
    """One answer as it comes in."""

    def __init__(self) -> None:
        self.status = ""
        self.octets = 0
        self.parts: list[bytes] = []
        self._length = -1

    def feed(self, data: bytes) -> bool:
        """Take in *data* and say whether the answer is complete."""
        if not data:
            raise ConnectionError("The server closed the connection.")
        self.parts.append(data)
        self.octets += len(data)
        if self._length < 0:
            head, end, _ = b"".join(self.parts).partition(b"\r\n\r\n")
            if not end:
                return False
            self.status = head[9:12].decode()
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            # What has no content need not say so.
            self._length = len(head) + 4 + int(fields.get(b"content-length", 0))
        return self.octets >= self._length


def _run(port: int, connections: int, count: int, requests: Sequence[bytes]) -> dict[str, object]:
    waiting = islice(cycle(requests), count)
    statuses: Counter[str] = Counter()
    octets = 0
    poll = select.epoll()
    sockets: dict[int, socket.socket] = {}
    answers: dict[int, _Answer] = {}
    for _ in range(min(connections, count)):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(next(waiting))
        sockets[connection.fileno()] = connection
        answers[connection.fileno()] = _Answer()
        poll.register(connection, select.EPOLLIN)
    while answers:
        for number, _ in poll.poll():
            answer = answers[number]
            if not answer.feed(sockets[number].recv(1 << 18)):
                continue
            statuses[answer.status] += 1
            octets += answer.octets
            following = next(waiting, None)
            if following is None:
                poll.unregister(number)
                del answers[number]
                sockets[number].close()
            else:
                answers[number] = _Answer()
                sockets[number].sendall(following)
    return {"statuses": statuses, "octets": octets}


if __name__ == "__main__":
    port, connections, count = map(int, sys.argv[1:4])
    texts = json.loads(Path(sys.argv[4]).read_text())
    print(json.dumps(_run(port, connections, count, [text.encode("latin-1") for text in texts])))
