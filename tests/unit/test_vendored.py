"""Files of others that are part of this program are those that were published; they and the drawings have licences."""

from __future__ import annotations

import configparser
import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "radicale_plugin" / "web" / "static" / "vendor"
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


def test_the_licence_of_the_drawings_lies_beside_them() -> None:
    static, setup = VENDOR.parent, configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    said = (static / "sprite.LICENSE.txt").read_text("utf-8")
    drawings = [file.name for kind in ("svg", "png", "ico") for file in static.glob(f"*.{kind}")]
    assert "sprite.svg" in drawings
    assert [name for name in drawings if name not in said] == []
    assert f"License: {setup['metadata']['license']}" in said
    assert "GNU General Public License" in said
