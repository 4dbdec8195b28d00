"""Files of others that are part of this program are those that were published, and their licences come with them."""

from __future__ import annotations

import hashlib
from pathlib import Path

VENDOR = Path(__file__).parents[2] / "radicale_plugin" / "web" / "static" / "vendor"
RECORD = VENDOR / "VENDORED.txt"


def recorded() -> list[tuple[str, str, str, str, str]]:
    """Return file, package, version, licence and SHA-256 of each recorded file."""
    rows = [line.split("  ") for line in RECORD.read_text("utf-8").splitlines()[2:]]
    return [(file, package, version, licence, digest) for file, package, version, licence, digest in rows]


def test_every_file_of_others_is_what_was_recorded() -> None:
    assert recorded()
    for file, _package, _version, _licence, digest in recorded():
        assert hashlib.sha256((VENDOR / file).read_bytes()).hexdigest() == digest, file


def test_every_file_of_others_is_recorded_with_its_licence() -> None:
    licences = {licence.partition("(")[2].rstrip(")") for _, _, _, licence, _ in recorded()}
    files = {file for file, *_ in recorded()}
    assert {file.name for file in VENDOR.iterdir()} == files | licences | {RECORD.name}
    assert all("permission" in (VENDOR / name).read_text("utf-8").lower() for name in licences)
