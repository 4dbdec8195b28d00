"""Radicale's storage plugin, under the name that a configuration gives it: ``type = radicale_plugin.storage``."""

from __future__ import annotations

from radicale_plugin.plugins.storage import Storage

__all__ = ["Storage"]
