"""The reverse proxies of `config` in front of the server: a phone is set up and synchronizes through each by https."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from sync.database.engine import Database
from sync.models import RateLimit
from tests.acceptance.clients.apple_devices import IPhone
from tests.acceptance.clients.wire import Wire
from tests.support import factories, people
from tests.support.server import PATIENCE, Server, free_port

CONFIG = Path(__file__).parents[2] / "config"
PROGRAMS = "/usr/sbin:/usr/bin:/usr/local/bin"
NGINX = """
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/evercard.conf;
}}
"""
CADDY = """
{{
    admin off
    skip_install_trust
    http_port {plain}
    https_port {secure}
}}
"""


class Proxy:
    """A running proxy at *url*, whose certificate *trusted* trusts; at *plain* it speaks http."""

    def __init__(self, secure: int, plain: int, certificate: Path) -> None:
        """Take down where it is."""
        self.url = f"https://localhost:{secure}"
        self.plain = f"http://localhost:{plain}"
        self.certificate = certificate

    def client(self) -> httpx.Client:
        """Return a client that trusts it, once it answers."""
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            assert time.monotonic() < deadline, "the proxy does not answer"
            time.sleep(0.1)
        return self._client()

    def _answers(self) -> bool:
        if not self.certificate.exists():
            return False
        with self._client() as client:
            try:
                return client.get("/.health").status_code == 200
            except httpx.TransportError:
                return False

    def _client(self) -> httpx.Client:
        trusted = ssl.create_default_context(cafile=self.certificate)
        return httpx.Client(base_url=self.url, verify=trusted, trust_env=False, timeout=PATIENCE)


class WithPortal(Server):
    """A server with a portal."""

    web = "radicale_plugin.web"


def program(name: str) -> str:
    """Return where a program is, or skip the test."""
    found = shutil.which(name, path=PROGRAMS)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@contextlib.contextmanager
def running(*command: str | Path, **environment: str) -> Iterator[None]:
    """Run a program as long as the block."""
    started = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        started.terminate()
        started.wait(PATIENCE)


@contextlib.contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[Proxy]:
    """Run nginx with what `config/nginx.conf` says, but for names, places and ports."""
    found, secure, plain = program("nginx"), free_port(), free_port()
    certificate, key = folder / "fullchain.pem", folder / "privkey.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2")
    made: list[str | Path] = [
        program("openssl"),
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-noenc",
        *subject,
        "-out",
        certificate,
    ]
    subprocess.run([*made, "-keyout", key], check=True, capture_output=True)
    text = (CONFIG / "nginx.conf").read_text()
    for shipped, here in {
        "127.0.0.1:5232": f"127.0.0.1:{upstream}",
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl http2;\n": "",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{secure} ssl http2;",
        "contacts.example.org;": "localhost;",
        "/etc/letsencrypt/live/contacts.example.org": str(folder),
    }.items():
        assert shipped in text
        text = text.replace(shipped, here)
    (folder / "evercard.conf").write_text(text)
    main = folder / "nginx.conf"
    # Started as root its workers would be somebody else, who may not enter the folder.
    main.write_text(NGINX.format(folder=folder, user="user root;" if os.getuid() == 0 else ""))
    checked = subprocess.run([found, "-t", "-c", main], capture_output=True, check=False, text=True)
    assert checked.returncode == 0, checked.stderr
    with running(found, "-c", main, "-g", "daemon off;"):
        yield Proxy(secure, plain, certificate)


@contextlib.contextmanager
def caddy(folder: Path, upstream: int) -> Iterator[Proxy]:
    """Run Caddy with what `config/Caddyfile` says, as an authority of its own for certificates."""
    found, secure, plain = program("caddy"), free_port(), free_port()
    file = folder / "Caddyfile"
    file.write_text(CADDY.format(secure=secure, plain=plain) + (CONFIG / "Caddyfile").read_text())
    place = {"EVERCARD_SITE": "localhost", "EVERCARD_UPSTREAM": f"127.0.0.1:{upstream}"}
    own = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    with running(found, "run", "--adapter", "caddyfile", "--config", file, **place, **own):
        yield Proxy(secure, plain, folder / "caddy" / "pki" / "authorities" / "local" / "root.crt")


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def stage(
    request: pytest.FixtureRequest, migrated_sqlite_file: Path, tmp_path: Path
) -> Iterator[tuple[Proxy, httpx.Client, Database]]:
    """Run a server and a proxy in front of it."""
    url = f"sqlite:///{shutil.copy(migrated_sqlite_file, tmp_path / 'evercard.sqlite')}"
    options = {"trusted_proxies": "1", "base_url": "https://localhost"}
    with WithPortal(url, tmp_path, options=options) as server, request.param(tmp_path, server.port) as proxy:
        database = Database(url)
        with proxy.client() as client:
            yield proxy, client, database
        database.dispose()


def test_a_phone_synchronizes_through_it(stage: tuple[Proxy, httpx.Client, Database]) -> None:
    proxy, client, database = stage
    anna, ben = people.register(database), people.register(database)
    factories.connect(database, anna.id, ben.id)
    phone = IPhone(Wire(client, anna.login, anna.password))
    phone.set_up()
    phone.sync()
    assert len(phone.book.cards) == 2
    factories.connect(database, anna.id, people.register(database).id)
    phone.sync()
    assert len(phone.book.cards) == 3

    answer = client.get("/.health")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    plain = httpx.get(proxy.plain + "/.well-known/carddav", trust_env=False, follow_redirects=False)
    assert plain.status_code in (301, 308)
    assert plain.headers["Location"].startswith("https://localhost")
    large = client.put(
        f"/{anna.login}/contacts/x.vcf", content=b"x" * (9 * 1024 * 1024), auth=(anna.login, anna.password)
    )
    assert large.status_code == 413


def test_nobody_chooses_the_address_that_they_are_counted_by(stage: tuple[Proxy, httpx.Client, Database]) -> None:
    """What a client writes into a header that looks like the proxy's own is no address of theirs."""
    _, client, database = stage
    signed_in = client.get("/.web/sign-in")
    (token,) = set(re.findall(r'name="csrf_token"[^>]* value="([^"]+)"', signed_in.text))
    form = {"csrf_token": token, "login": "nobody", "password": "wrong password"}
    counted = []
    for number, name in enumerate(("X-Forwarded-For", "X_Forwarded_For", "x_forwarded_for", "X-Forwarded_For")):
        headers = {name: f"198.51.100.{number}", "Origin": "https://localhost", "Host": "localhost"}
        assert client.post("/.web/sign-in", data=form, headers=headers).status_code == 400
        with database.reading() as session:
            counted.append(set(session.scalars(select(RateLimit.key))))
    assert counted[0]
    assert counted[1:] == counted[:1] * 3
