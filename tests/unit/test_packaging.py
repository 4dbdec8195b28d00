"""What is installed is all of the program: a wheel holds every file that the checkout runs with."""

from __future__ import annotations

import ast
import configparser
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("radicale_plugin", "sync")
BUILD = "import setuptools.build_meta as backend, sys; backend.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """Return the wheel that the checkout makes."""
    # A build leaves files beside the sources, so it has sources of its own.
    source = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    output = tmp_path_factory.mktemp("wheel")
    result = subprocess.run(
        [sys.executable, "-c", BUILD, str(output)],
        cwd=source,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert result.returncode == 0, result.stdout
    return ZipFile(next(output.glob("*.whl")))


def test_a_wheel_holds_every_file_of_the_packages(wheel: ZipFile) -> None:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file()]
    wanted = {str(file.relative_to(ROOT)) for file in files if "__pycache__" not in file.parts}
    assert wanted - set(wheel.namelist()) == set()


def test_a_wheel_holds_nothing_else(wheel: ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_a_wheel_brings_the_command(wheel: ZipFile) -> None:
    entry_points = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "evercard = radicale_plugin.cli:main" in wheel.read(entry_points).decode()


def test_every_package_that_is_imported_is_asked_for() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    names = asked_for(setup["options"]["install_requires"] + setup["options.extras_require"]["postgresql"])
    makers = packages_distributions()
    missing = {
        f"{file.relative_to(ROOT)} imports {module}"
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for module in modules(file) - sys.stdlib_module_names - {*PACKAGES}
        if not names & {normal(maker) for maker in makers.get(module, [])}
    }
    assert missing == set()


def test_a_server_is_installed_without_what_only_developers_need() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"]
    runs, tests = pins("requirements.lock"), pins("requirements-dev.lock")
    assert asked_for(setup["options"]["install_requires"] + extras["postgresql"] + extras["build"]) <= runs.keys()
    assert asked_for(extras["test"] + extras["dev"]) & runs.keys() == set()
    assert runs.items() <= tests.items()
    assert asked_for(extras["test"] + extras["dev"]) <= tests.keys()


def asked_for(requirements: str) -> set[str]:
    """Return the names of the packages in lines of requirements."""
    return {normal(re.split(r"[\[<>=]", line)[0]) for line in requirements.split()}


def pins(name: str) -> dict[str, str]:
    """Return the version of every package that a lock file names."""
    lines = re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;]+)", (ROOT / name).read_text(), re.MULTILINE)
    return {normal(package): version for package, version in lines}


def modules(file: Path) -> set[str]:
    """Return the outermost name of everything that *file* imports."""
    found = set[str]()
    for statement in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(statement, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and not statement.level:
            found.add((statement.module or "").partition(".")[0])
    return found


def normal(name: str) -> str:
    """Return the one spelling of a distribution's *name* that is compared."""
    return name.lower().replace("_", "-")
