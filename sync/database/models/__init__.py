"""The tables. Import models from here."""

from __future__ import annotations

from sync.database.models.base import Base, new_id, now
from sync.database.models.jobs import BUCKETS, Job
from sync.database.models.meeting import (
    Address,
    Block,
    Invitation,
    InvitationLink,
    LinkedEntry,
    OwnSearchKey,
    Preferences,
    PublicFriend,
    Request,
    SearchKey,
)
from sync.database.models.owners import (
    Audience,
    Card,
    Connection,
    DisclosedAudience,
    DisclosedField,
    Field,
    FieldException,
    FieldState,
    Grant,
    Group,
    Member,
    Profile,
    ProfileState,
)
from sync.database.models.people import NOBODY, Account, Device, LoginName, ServerSecret
from sync.database.models.sending import Message, OneTimeToken, Suppression
from sync.database.models.viewers import CONTACTS, AddressBook, Entry, EntryVersion, Overlay, PrivateCard
from sync.database.models.visits import BrowserSession, RateLimit

__all__ = [
    "BUCKETS",
    "CONTACTS",
    "NOBODY",
    "Account",
    "Address",
    "AddressBook",
    "RateLimit",
    "Audience",
    "Base",
    "Block",
    "Card",
    "Connection",
    "Device",
    "SearchKey",
    "Entry",
    "EntryVersion",
    "Field",
    "FieldException",
    "FieldState",
    "Grant",
    "Group",
    "Invitation",
    "InvitationLink",
    "Job",
    "LinkedEntry",
    "OwnSearchKey",
    "LoginName",
    "Member",
    "Message",
    "Overlay",
    "BrowserSession",
    "Preferences",
    "PrivateCard",
    "Profile",
    "ProfileState",
    "PublicFriend",
    "Request",
    "DisclosedAudience",
    "ServerSecret",
    "DisclosedField",
    "Suppression",
    "OneTimeToken",
    "new_id",
    "now",
]
