"""A push service on this machine, a process that notes when each message came, and devices that are told by it."""

from __future__ import annotations

import asyncio
import multiprocessing
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import insert, select

from sync.database.engine import Database, Session
from sync.models import CONTACTS, Connection, Device, PushSubscription, new_id, now
from sync.push import keys

_ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"
_PATIENCE = 60.0


@dataclass(slots=True)
class Service:
    """The push service's process."""

    origin: str
    pipe: Pipe

    def forget(self) -> None:
        """Let the messages that came so far count no more."""
        self.pipe.send(None)
        self.pipe.recv()

    def times(self, number: int) -> list[float]:
        """Wait for so many messages, and return when each came."""
        until, found = time.monotonic() + _PATIENCE, list[float]()
        while len(found) < number:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(found)} of {number} messages came")
            time.sleep(0.02)
            self.pipe.send(None)
            found += self.pipe.recv()
        return found


@contextmanager
def running() -> Iterator[Service]:
    """Run it."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,), daemon=True)
    process.start()
    try:
        yield Service(here.recv(), here)
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Pipe) -> None:
    asyncio.run(_take(pipe))


async def _take(pipe: Pipe) -> None:
    times: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(65_536):
            while b"\r\n\r\n" not in head:
                head += await reader.read(65_536)
            lines, _, body = head.partition(b"\r\n\r\n")
            length = int(next(line for line in lines.split(b"\r\n") if line.startswith(b"Content-Length")).split()[1])
            if len(body) < length:
                await reader.readexactly(length - len(body))
            times.append(time.monotonic())
            writer.write(_ANSWER)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    loop = asyncio.get_running_loop()

    def tell() -> None:
        pipe.recv()
        pipe.send(times[:])
        times.clear()

    loop.add_reader(pipe.fileno(), tell)
    await server.serve_forever()


def subscribe(database: Database, owner_id: int, origin: str, most: int) -> int:
    """Let *most* viewers of an owner have a device that the service at *origin* tells; return how many they are."""
    private = ec.generate_private_key(keys.CURVE)
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def subscribing(session: Session) -> int:
        viewers = session.scalars(select(Connection.viewer_id).where(Connection.owner_id == owner_id).limit(most)).all()
        shared: dict[str, object] = {"public_key": public, "auth_secret": bytes(16), "key_id": keys.current(session).id}
        shared |= {"wants_content": True, "wants_properties": False, "host": origin.partition("://")[2]}
        shared |= {"expires_at": now() + 86_400, "book_id": CONTACTS}
        devices, subscriptions = [], []
        for viewer_id in viewers:
            device_id, path = new_id(), secrets.token_hex(16)
            who = {"viewer_id": viewer_id, "created_at": now() - 86_400}
            devices.append({**who, "id": device_id, "label": "Phone", "secret_hash": b"", "synced_revision": 0})
            endpoint = {"endpoint": f"{origin}/{path}", "endpoint_digest": path}
            subscriptions.append({**shared, **who, **endpoint, "id": new_id(), "device_id": device_id})
        session.execute(insert(Device), devices)
        session.execute(insert(PushSubscription), subscriptions)
        return len(viewers)

    return database.write(subscribing)
