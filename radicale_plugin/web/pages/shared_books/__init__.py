"""Address books that organisations share: looked at by members, changed by writers, in files with one blueprint."""

from __future__ import annotations

from radicale_plugin.web.pages.shared_books import books, contacts, devices, fields, files, history, photo
from radicale_plugin.web.pages.shared_books.area import blueprint

__all__ = ["blueprint", "books", "contacts", "devices", "fields", "files", "history", "photo"]
