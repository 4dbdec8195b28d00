"""My card, in several files with one blueprint."""

from __future__ import annotations

from radicale_plugin.web.pages.card import fields, files, past
from radicale_plugin.web.pages.card.area import blueprint

__all__ = ["blueprint", "fields", "files", "past"]
