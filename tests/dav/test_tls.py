"""Secure transport, which RFC 6352, 3 and 13 require: the server's own, where no reverse proxy has it instead."""

from __future__ import annotations

import contextlib
import shutil
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest
from typing_extensions import override

from sync.database.engine import Database
from tests.dav.asking import BOOK
from tests.support import factories, people
from tests.support.people import Person
from tests.support.server import PATIENCE, Server


class Secure(Server):
    """A server with a certificate for this machine, which *trusted* is made to trust."""

    def __init__(self, database_url: str, directory: Path) -> None:
        """Prepare; nothing is started yet."""
        super().__init__(database_url, directory)
        certificate, key = directory / "certificate.pem", directory / "key.pem"
        subject = ("-subj", "/CN=evercard.test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", *subject, "-out", certificate, "-keyout", key],
            check=True,
            capture_output=True,
        )
        options = f"[server]\nssl = True\ncertificate = {certificate}\nkey = {key}\n"
        self.configuration.write_text(self.configuration.read_text().replace("[server]\n", options))
        self.url = self.url.replace("http:", "https:")
        self.trusted = ssl.create_default_context(cafile=certificate)

    @override
    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + PATIENCE
        with self.client() as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    assert client.get("/.health").status_code == 200
                    return
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)

    def client(self, person: Person | None = None) -> httpx.Client:
        """Return a client that verifies the certificate as RFC 5280 has it."""
        auth = httpx.BasicAuth(person.login, person.password) if person else None
        return httpx.Client(base_url=self.url, verify=self.trusted, trust_env=False, auth=auth)


def test_everything_can_be_had_over_tls(migrated_sqlite_file: Path, tmp_path: Path) -> None:
    """The server MUST support it, at the same time as Basic authentication (3, 13); there it speaks nothing else."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed (Debian: apt-get install openssl)")
    url = f"sqlite:///{shutil.copy(migrated_sqlite_file, tmp_path / 'evercard.sqlite')}"
    database = Database(url)
    anna = people.register(database, "anna")
    database.dispose()
    with Secure(url, tmp_path) as server, server.client(anna) as client:
        assert client.request("PROPFIND", "/", headers={"Depth": "0"}).status_code == 207
        assert client.put(BOOK + "x.vcf", content=factories.vcard("x")).status_code == 201
        assert client.get(BOOK + "x.vcf").content == factories.vcard("x")
        assert httpx.get(server.url + BOOK, verify=server.trusted, trust_env=False).status_code == 401
        with pytest.raises(httpx.TransportError):
            httpx.get(server.url.replace("https:", "http:"), trust_env=False)
        with pytest.raises(httpx.ConnectError, match="certificate"):
            httpx.get(server.url, trust_env=False)
