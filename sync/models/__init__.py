"""The tables. Import models from here."""

from __future__ import annotations

from sync.models.base import Base, new_id, now
from sync.models.jobs import BUCKETS, Job
from sync.models.meeting import (
    Address,
    Block,
    DirectoryKey,
    Invitation,
    InvitationLink,
    LinkedEntry,
    Listing,
    Preferences,
    PublicFriend,
    Request,
)
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
from sync.models.people import NOBODY, Account, Device, LoginName, ServerSecret
from sync.models.sending import Message, Suppression, Ticket
from sync.models.viewers import CONTACTS, AddressBook, Entry, EntryVersion, Overlay, PrivateCard
from sync.models.visits import Allowance, PortalSession

__all__ = [
    "BUCKETS",
    "CONTACTS",
    "NOBODY",
    "Account",
    "Address",
    "AddressBook",
    "Allowance",
    "Audience",
    "Base",
    "Block",
    "Card",
    "Connection",
    "Device",
    "DirectoryKey",
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
    "Listing",
    "LoginName",
    "Member",
    "Message",
    "Overlay",
    "PortalSession",
    "Preferences",
    "PrivateCard",
    "Profile",
    "ProfileState",
    "PublicFriend",
    "Request",
    "SeenAudience",
    "ServerSecret",
    "ShownField",
    "Suppression",
    "Ticket",
    "new_id",
    "now",
]
