"""What is in `config` for administrators is accepted by the programs that it is for, as far as they are here."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[2] / "config"
ROOT = CONFIG.parent
UNITS = (
    "evercard.service",
    "evercard.socket",
    "evercard-worker@.service",
    "evercard-backup.service",
    "evercard-backup.timer",
)
SERVICES = tuple(name for name in UNITS if name.endswith(".service"))
#: In tenths: what `systemd-analyze security` may find exposed.
EXPOSURE = 29


def needs(program: str) -> str:
    """Return where a program is, or skip the test."""
    found = shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"{program} is not installed")
    return found


def run(*command: str | Path, **environment: str) -> str:
    """Run a program, expecting that it is content, and return all that it says."""
    ended = subprocess.run(
        command,
        capture_output=True,
        check=False,
        text=True,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment},
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr


def test_systemd_reads_every_unit(tmp_path: Path) -> None:
    analyze = needs("systemd-analyze")
    for name in UNITS:
        # It looks whether the program is there, which it is not where Evercard is not installed.
        (tmp_path / name).write_text((CONFIG / name).read_text().replace("/opt/evercard/bin/evercard", "/bin/true"))
    said = run(analyze, "verify", "--man=no", "--recursive-errors=no", *(tmp_path / name for name in UNITS))
    assert [line for line in said.splitlines() if str(tmp_path) in line or line.startswith("evercard")] == []


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_exposed_to_little(name: str) -> None:
    said = run(
        needs("systemd-analyze"), "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", CONFIG / name
    )
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert exposure
    assert float(exposure[1]) < 3.0


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_a_command_that_exists_as_nobody_special(name: str) -> None:
    text = (CONFIG / name).read_text()
    assert "User=evercard" in text
    assert "-C /etc/evercard/evercard.conf " in text
    assert "StateDirectoryMode=0700" in text
    assert "UMask=0077" in text


def test_every_path_in_the_configuration_is_absolute() -> None:
    settings = configparser.RawConfigParser()
    settings.read(CONFIG / "evercard.conf")
    storage = dict(settings["storage"])
    assert storage["database_url"].startswith("sqlite:////")
    assert Path(storage["secret_file"]).is_absolute()


def test_caddy_takes_its_file(tmp_path: Path) -> None:
    caddy = needs("caddy")
    run(caddy, "validate", "--adapter", "caddyfile", "--config", CONFIG / "Caddyfile", HOME=str(tmp_path))
    formatted = run(caddy, "fmt", CONFIG / "Caddyfile", HOME=str(tmp_path))
    assert formatted == (CONFIG / "Caddyfile").read_text()


def test_compose_takes_its_file() -> None:
    compose = needs("docker-compose")
    said = run(compose, "-f", CONFIG / "compose.yaml", "config", EVERCARD_SITE="contacts.example.org")
    assert "EVERCARD_BASE_URL: https://contacts.example.org" in said


def test_compose_does_not_begin_without_a_name() -> None:
    compose = needs("docker-compose")
    ended = subprocess.run(
        [compose, "-f", CONFIG / "compose.yaml", "config"], capture_output=True, check=False, text=True
    )
    assert ended.returncode != 0
    assert "say the name under which the server is reached" in ended.stderr


def test_the_image_is_made_of_what_there_is_and_not_run_as_root() -> None:
    text = (CONFIG / "Containerfile").read_text().replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in text.splitlines() if line and not line.startswith("#")]
    copied = [name for word, rest in steps if word == "COPY" and "--from" not in rest for name in rest.split()[:-1]]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    last = steps[max(number for number, (word, _) in enumerate(steps) if word == "FROM") :]
    assert ["USER", "evercard"] in last
    words = {word for word, _ in last}
    assert {"HEALTHCHECK", "ENTRYPOINT", "VOLUME"} <= words
    installs = [rest for word, rest in steps if word == "RUN" and "pip install" in rest]
    # Nothing is fetched that the lock file does not name.
    assert all("--require-hashes" in rest or "--no-deps --no-build-isolation" in rest for rest in installs)
