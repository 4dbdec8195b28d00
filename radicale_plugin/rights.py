"""Radicale's rights plugin, under the name that a configuration gives it: ``type = radicale_plugin.rights``."""

from __future__ import annotations

from radicale_plugin.plugins.rights import Rights

__all__ = ["Rights"]
