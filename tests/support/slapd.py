"""
A directory on loopback: OpenLDAP's slapd, with its data in a folder of the test's, ended when the test is over.

People in it are entries below `PEOPLE`, which the service account `SERVICE` may read and nobody else. They are changed
with OpenLDAP's own programs. What a directory can do wrong is done to it: it is ended, held, or given other options.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BASE = "dc=example,dc=org"
PEOPLE = f"ou=people,{BASE}"
SERVICE, SERVICE_PASSWORD = f"cn=evercard,{BASE}", "service secret"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "admin secret"
PASSWORD = "their own password"
SCHEMA = Path("/etc/ldap/schema")
PROGRAM = shutil.which("slapd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
_OPTIONS = """\
include {schema}/core.schema
include {schema}/cosine.schema
include {schema}/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {folder}/pid
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
{more}
database mdb
maxsize 10485760
suffix "{base}"
rootdn "{admin}"
rootpw "{admin_password}"
directory "{folder}/data"
index objectClass,uid,entryUUID eq
dbnosync
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="{people}" by dn="{service}" {right} by * none
access to * by * none
"""


@dataclass
class Slapd:
    """The directory. *right* is what the service account may do with people, *more* further options of slapd's."""

    folder: Path
    port: int
    tls_port: int
    right: str = "read"
    more: str = ""
    certified: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    groups: set[str] = field(default_factory=set)

    @property
    def ca_file(self) -> str:
        """The certificate that the directory's is signed with: itself."""
        return str(self.folder / "certificate.pem")

    def options(self, **changed: str) -> dict[str, str]:
        """Return Evercard's options for signing in by it."""
        ours = {"url": f"ldap://127.0.0.1:{self.port}", "ca_file": self.ca_file, "base": PEOPLE, "name": "Club"}
        ours |= {"bind_dn": SERVICE, "bind_password": SERVICE_PASSWORD}
        return {f"ldap_{name}": value for name, value in {**ours, **changed}.items()}

    def start(self) -> None:
        """Let it run, and wait until it answers."""
        assert PROGRAM is not None
        self._write()
        addresses = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        arguments = [PROGRAM, "-f", str(self.folder / "slapd.conf"), "-h", addresses, "-d", "0"]
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            assert self.process.poll() is None, "slapd did not start"
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", self.tls_port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail("slapd does not listen")

    def stop(self) -> None:
        """End it, as a machine that is down."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def restart(self, **changed: str) -> None:
        """Let it run with something changed: *right*, *more*, or whom its certificate is for (*certified*)."""
        self.stop()
        for name, value in changed.items():
            setattr(self, name, value)
        self.start()

    def hold(self, *, held: bool) -> None:
        """Let it answer nothing, or again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP if held else signal.SIGCONT)

    def add(self, login: str, password: str = PASSWORD, **attributes: str) -> None:
        """Let somebody be there."""
        said = {"cn": login, "sn": login, "userPassword": password, **attributes}
        lines = [f"dn: uid={login},{PEOPLE}", "changetype: add", "objectClass: inetOrgPerson", f"uid: {login}"]
        self.modify("\n".join([*lines, *(f"{name}: {value}" for name, value in said.items())]))

    def set(self, login: str, attribute: str, value: str | None) -> None:
        """Let an attribute of somebody's be something else, or gone."""
        lines = [f"dn: uid={login},{PEOPLE}", "changetype: modify", f"replace: {attribute}"]
        self.modify("\n".join([*lines, *([f"{attribute}: {value}"] if value is not None else [])]))

    def group(self, name: str, *logins: str) -> None:
        """Let a group have these members; one at least, as its schema says."""
        dn = f"cn={name},{BASE}"
        said = [f"member: uid={login},{PEOPLE}" for login in logins]
        if name in self.groups:
            self.modify("\n".join([f"dn: {dn}", "changetype: modify", "replace: member", *said]))
        else:
            self.modify("\n".join([f"dn: {dn}", "changetype: add", "objectClass: groupOfNames", f"cn: {name}", *said]))
            self.groups.add(name)

    def remove(self, login: str) -> None:
        """Let somebody be gone."""
        self.modify(f"dn: uid={login},{PEOPLE}\nchangetype: delete")

    def modify(self, ldif: str) -> None:
        """Change what is there, as its administrator."""
        address = ["-H", f"ldap://127.0.0.1:{self.port}", "-D", ADMIN, "-w", ADMIN_PASSWORD, "-x"]
        done = subprocess.run(
            ["ldapmodify", *address], input=f"{ldif}\n", text=True, capture_output=True, check=False, timeout=20
        )
        assert done.returncode == 0, done.stderr

    def _write(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)
        certificate, key = _certified(self.certified)
        (self.folder / "certificate.pem").write_bytes(certificate)
        (self.folder / "key.pem").write_bytes(key)
        files = {"certificate": self.ca_file, "key": self.folder / "key.pem", "schema": SCHEMA, "folder": self.folder}
        names = {"base": BASE, "people": PEOPLE, "admin": ADMIN, "admin_password": ADMIN_PASSWORD, "service": SERVICE}
        text = _OPTIONS.format(**files, **names, right=self.right, more=self.more)
        (self.folder / "slapd.conf").write_text(text)


@contextmanager
def running(folder: Path) -> Iterator[Slapd]:
    """Run a directory in which nobody is yet."""
    if PROGRAM is None or shutil.which("ldapmodify") is None or not SCHEMA.is_dir():
        pytest.skip("OpenLDAP's server and programs are not installed")
    made = Slapd(folder, *_free_ports())
    made.start()
    try:
        made.modify(_entry(BASE, {"objectClass": "domain", "dc": "example"}))
        made.modify(_entry(PEOPLE, {"objectClass": "organizationalUnit", "ou": "people"}))
        service = {"objectClass": "applicationProcess", "cn": "evercard"}
        made.modify(_entry(SERVICE, service) + f"\nobjectClass: simpleSecurityObject\nuserPassword: {SERVICE_PASSWORD}")
        yield made
    finally:
        made.stop()


def _entry(dn: str, attributes: Mapping[str, str]) -> str:
    return "\n".join([f"dn: {dn}", "changetype: add", *(f"{name}: {value}" for name, value in attributes.items())])


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _certified(address: str) -> tuple[bytes, bytes]:
    """Return a certificate that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a directory")])
    at = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - dt.timedelta(days=1))
        .not_valid_after(at + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return made.public_bytes(pem), key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
