"""Radicale's auth plugin, under the name that a configuration gives it: ``type = radicale_plugin.auth``."""

from __future__ import annotations

from radicale_plugin.plugins.auth import Auth

__all__ = ["Auth"]
