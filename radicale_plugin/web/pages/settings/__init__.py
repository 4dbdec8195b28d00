"""Settings, in several files with one blueprint."""

from __future__ import annotations

from radicale_plugin.web.pages.settings import addresses, administrators, contacts, deletion, digest, finding, index
from radicale_plugin.web.pages.settings.area import blueprint

__all__ = ["addresses", "administrators", "blueprint", "contacts", "deletion", "digest", "finding", "index"]
