"""The plugins under Radicale's own application and server, as ``python -m radicale`` starts them."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

import httpx
from typing_extensions import override

from tests.support.server import PATIENCE, Server


class PlainRadicale(Server):
    """Radicale's own server with the configuration that we deliver."""

    def __init__(self, database_url: str, directory: Path) -> None:
        """Prepare; nothing is started yet."""
        super().__init__(database_url, directory, options={"sign_up": "open", "secret_file": ""})
        arguments = ["-m", "radicale", "-C", "config/evercard.conf", "--server-hosts", f"127.0.0.1:{self.port}"]
        self._command = [sys.executable, *arguments]

    @override
    def wait_until_healthy(self) -> None:
        """Wait until the server answers; Radicale has no health check."""
        deadline = time.monotonic() + PATIENCE
        with httpx.Client(base_url=self.url, trust_env=False) as client:
            while time.monotonic() < deadline:
                with contextlib.suppress(httpx.TransportError):
                    assert client.request("PROPFIND", "/").status_code == 401
                    return
                ended = self._process is None or self._process.poll() is not None
                assert not ended, self.log.read_text()
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())
