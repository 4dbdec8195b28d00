"""The tables. Import models from here."""

from __future__ import annotations

from sync.models.base import Base, new_id, now
from sync.models.jobs import BUCKETS, Job
from sync.models.owners import (
    Audience,
    Card,
    Connection,
    Field,
    FieldException,
    FieldState,
    Grant,
    Group,
    Member,
    Profile,
    ProfileState,
    SeenAudience,
    ShownField,
)
from sync.models.people import Account, Device, LoginName, ServerSecret
from sync.models.viewers import CONTACTS, AddressBook, Entry, EntryVersion, Overlay, PrivateCard

__all__ = [
    "BUCKETS",
    "CONTACTS",
    "Account",
    "AddressBook",
    "Audience",
    "Base",
    "Card",
    "Connection",
    "Device",
    "Entry",
    "EntryVersion",
    "Field",
    "FieldException",
    "FieldState",
    "Grant",
    "Group",
    "Job",
    "LoginName",
    "Member",
    "Overlay",
    "PrivateCard",
    "Profile",
    "ProfileState",
    "SeenAudience",
    "ServerSecret",
    "ShownField",
    "new_id",
    "now",
]
