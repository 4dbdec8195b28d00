"""The files that pages load: style sheets, scripts and pictures, under addresses that change with their content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import url_for

from radicale_plugin.web.portal import Portal

STATIC = Path(__file__).with_name("static")


def install(portal: Portal) -> None:
    """Let templates say ``asset("…")``; a page says it of each drawing, and they stay where they are."""
    portal.jinja_env.globals["asset"] = cache(asset)


def asset(name: str) -> str:
    """Return the address of a file of ours, which browsers keep for good: other content has another address."""
    return url_for("static", filename=name, v=_version(name))


@cache
def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
