"""Looks at what the server is told to be: its plugins, its processes, its log."""

from __future__ import annotations

import os
from collections.abc import Iterator

from radicale_plugin.option_values import ENVIRONMENT_PREFIX
from radicale_plugin.options import SCHEMA
from radicale_plugin.server.checking.finding import Finding, Installation, doubtful

#: Names in the environment that are no options but are Evercard's all the same.
_NO_OPTIONS = frozenset({"EVERCARD_SITE", "EVERCARD_UPSTREAM", "EVERCARD_RUNNING", "EVERCARD_TEST_POSTGRESQL"})


def look(installation: Installation) -> Iterator[Finding]:
    """Yield what is doubtful."""
    yield from _plugins(installation)
    yield from _environment()
    yield from _processes(installation)
    yield from _log(installation)


def _plugins(installation: Installation) -> Iterator[Finding]:
    for section in ("auth", "rights", "storage", "web"):
        kind = installation.configuration.get(section, "type")
        wanted = f"radicale_plugin.{section}"
        if kind != wanted and not (section == "web" and kind == "none"):
            yield doubtful(f"[{section}] type", f"It is {kind!r}; Evercard's is {wanted}.")
    if installation.configuration.get("auth", "cache_logins"):
        yield doubtful("cache_logins", "A device that was revoked would be let in as long as its login is remembered.")


def _environment() -> Iterator[Finding]:
    for name in sorted(os.environ):
        option = name.removeprefix(ENVIRONMENT_PREFIX).lower()
        if name.startswith(ENVIRONMENT_PREFIX) and name not in _NO_OPTIONS and option not in SCHEMA["storage"]:
            yield doubtful(name, "The environment has it, and there is no such option, so nobody reads it.")


def _processes(installation: Installation) -> Iterator[Finding]:
    values = installation.values
    if values["threads"] > 3 * values["pool_size"]:
        yield doubtful(
            "threads", f"{values['threads']} threads share {3 * values['pool_size']} connections at most (pool_size)."
        )
    cores = os.cpu_count() or 1
    if values["workers"] > 4 * cores:
        yield doubtful("workers", f"{values['workers']} processes share {cores} cores.")


def _log(installation: Installation) -> Iterator[Finding]:
    if installation.configuration.get("logging", "level") == "debug":
        yield doubtful("[logging] level", "At debug, what people send and get is in the log.")
    if installation.values["keep_versions_days"] == 0:
        yield doubtful("keep_versions_days", "What a device deletes by mistake cannot be restored.")
