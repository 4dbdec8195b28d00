"""The files that pages load: style sheets, scripts and pictures, under addresses that change with their content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from flask import url_for
from jinja2.filters import do_mark_safe
from markupsafe import Markup

from radicale_plugin.web.portal import Portal

STATIC = Path(__file__).with_name("static")


def install(portal: Portal) -> None:
    """Let templates say ``asset("…")``; a page says it of each drawing, and they stay where they are."""
    portal.jinja_env.globals["asset"] = asset_of = cache(asset)
    portal.jinja_env.globals["icon"] = cache(partial(icon, asset_of))


def asset(name: str) -> str:
    """Return the address of a file of ours, which browsers keep for good: other content has another address."""
    return url_for("static", filename=name, v=_version(name))


def icon(asset_of: Callable[[str], str], name: str, size: str = "") -> Markup:
    """Return a drawing of the sprite, of a *size* and in what other ways the style sheets know."""
    classes = f"i {size}" if size else "i"
    address = f"{asset_of('sprite.svg')}#{name}"
    return do_mark_safe(f'<svg class="{classes}" aria-hidden="true"><use href="{address}"/></svg>')


@cache
def _version(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
