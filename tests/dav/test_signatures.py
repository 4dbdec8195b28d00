"""What we rely on in Radicale: a new version that changes it must be seen here, not by somebody's phone."""

from __future__ import annotations

import ast
import configparser
import inspect
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import radicale.app
from radicale.auth import BaseAuth
from radicale.item import Item
from radicale.rights import BaseRights
from radicale.storage import BaseCollection, BaseStorage

from radicale_plugin.plugins.auth import Auth
from radicale_plugin.plugins.collection import Collection, Folder
from radicale_plugin.plugins.rights import Rights
from radicale_plugin.plugins.storage import Storage
from radicale_plugin.server.application import Application

ROOT = Path(__file__).parents[2]
PAIRS = [
    (Auth, BaseAuth),
    (Rights, BaseRights),
    (Storage, BaseStorage),
    (Folder, BaseCollection),
    (Collection, BaseCollection),
    (Application, radicale.app.Application),
]
#: Attributes of Radicale's classes that we set or read, by the file in which Radicale uses them.
INTERNALS = {
    "_auth_delay": radicale.app,
    "_delay_on_error": radicale.app,
    "_supports_unicode": radicale.app,
    "HTTP_AUTHORIZATION": radicale.app,
    "SCRIPT_NAME": radicale.app,
    "_login": radicale.auth,
    "_sleep_for_constant_exec_time": radicale.auth,
}


def methods(cls: type, base: type) -> list[str]:
    """Return the names of the functions and properties of *base* that *cls* replaces."""
    own = {name for part in cls.__mro__ if part.__module__.startswith("radicale_plugin") for name in vars(part)}
    found = own & set(dir(base))
    return sorted(name for name in found if not name.startswith("__") or name == "__call__")


CASES = [
    pytest.param(cls, base, name, id=f"{cls.__name__}.{name}")
    for cls, base in PAIRS
    for name in methods(cls, base)
    if not name.startswith("_supports")
]


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    """Return name, kind and default of each parameter. A frozen set is an empty set that cannot be changed."""
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize(("cls", "base", "name"), CASES)
def test_a_replaced_method_takes_what_radicale_s_own_takes(cls: type, base: type, name: str) -> None:
    """Names, kinds, order and defaults of all parameters are equal, and a property stays one."""
    ours, theirs = inspect.getattr_static(cls, name), inspect.getattr_static(base, name)
    assert isinstance(ours, property) == isinstance(theirs, property)
    if not isinstance(ours, property):
        assert parameters(getattr(cls, name)) == parameters(getattr(base, name))


def test_every_method_of_a_collection_that_reads_all_of_it_is_replaced() -> None:
    """Radicale's own versions of these are correct and slow: they serialize or parse every card."""
    for name in (
        "sync",
        "get_multi",
        "get_all",
        "get_filtered",
        "has_uid",
        "upload",
        "delete",
        "etag",
        "last_modified",
    ):
        assert inspect.getattr_static(Collection, name) is not inspect.getattr_static(BaseCollection, name), name


def test_nothing_new_in_radicale_s_interface_is_missing_here() -> None:
    """Methods that Radicale only declares are all there, but for what cannot be done to a folder by its rights."""
    for cls, base in PAIRS:
        if cls is Folder:
            continue
        declared = {
            name
            for name, value in vars(base).items()
            if callable(value) and "raise NotImplementedError" in _source(value) and not name.startswith("__")
        }
        missing = {name for name in declared if inspect.getattr_static(cls, name) is inspect.getattr_static(base, name)}
        assert missing == set(), cls


def _source(value: Any) -> str:
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        return ""


@pytest.mark.parametrize(("name", "module"), INTERNALS.items())
def test_what_we_set_inside_radicale_is_still_looked_at(name: str, module: Any) -> None:
    assert name in inspect.getsource(module)


def test_every_sleep_of_radicale_s_application_is_one_that_we_turn_off() -> None:
    """It sleeps for a variable that comes from one of the two delays; a third would stop a worker."""
    tree = ast.parse(inspect.getsource(radicale.app))
    slept = {
        ast.unparse(node.args[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "time.sleep"
    }
    assert slept == {"delay", "random_delay"}


def test_an_entry_can_still_be_made_without_vobject() -> None:
    """An item with all of these given never parses its text, whatever Radicale asks it."""
    names = ("collection", "href", "text", "etag", "uid", "name", "component_name", "last_modified", "time_range")
    assert set(names) <= set(inspect.signature(Item.__init__).parameters)


def test_the_minor_version_of_radicale_is_the_one_we_know() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    (pin,) = [line for line in setup["options"]["install_requires"].split() if line.startswith("radicale")]
    major, minor = version("radicale").split(".")[:2]
    assert pin == f"radicale>={major}.{minor},<{major}.{int(minor) + 1}"
