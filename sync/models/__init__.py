"""The tables. Import models from here."""

from __future__ import annotations

from sync.models.administration import AdministratorAct
from sync.models.base import Base, new_id, now
from sync.models.buckets import BUCKETS
from sync.models.calendars import CalendarFeed
from sync.models.card_links import CardLink
from sync.models.devices import NOT_KEPT, DeadProperty, DeviceCopy, EditConflict
from sync.models.digests import Digest, DigestSeen
from sync.models.ends import Ending, FieldDoubt, NextEnd
from sync.models.faults import Fault
from sync.models.households import CARRIED, LEFT, OFFERED, PARTED, TAKEN_BACK, CarriedField, SharedField
from sync.models.jobs import ROSTER, SHARED_BOOK, Job
from sync.models.list_keys import CardListKey, ContactListKey
from sync.models.lists import ListProposal, ListState
from sync.models.meeting import (
    ACCEPTED,
    DECLINED,
    IN,
    OUT,
    REFUSED,
    WAITING,
    Address,
    Block,
    Invitation,
    InvitationLink,
    KeptApart,
    LinkedEntry,
    MergedEntry,
    OwnSearchKey,
    Preferences,
    PublicFriend,
    Request,
    SearchKey,
)
from sync.models.organisations import OrganisationIdentity, OrganisationLook, ScimKey, ScimToken, ScimUser
from sync.models.owners import (
    RENDERING,
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
    Picture,
    Profile,
    ProfileState,
)
from sync.models.people import NOBODY, Account, Device, LoginName, ServerSecret
from sync.models.provisioning import ProvisionedAccount, ProvisionedField
from sync.models.push import CardNews, PushHost, PushSubscription
from sync.models.rosters import DirectoryMember, Membership, Organisation, RosterChange, RosterEntry
from sync.models.sending import Errand, GivenUp, Message, OneTimeToken, Suppression
from sync.models.sessions import BrowserSession, RateLimit
from sync.models.shared_books import OrganisationBook, SharedAccess, SharedBook, SharedChange, SharedCopy
from sync.models.viewers import CONTACTS, AddressBook, Entry, EntryVersion, Overlay, PrivateCard, VersionTotal

__all__ = [
    "ACCEPTED",
    "BUCKETS",
    "CARRIED",
    "CONTACTS",
    "DECLINED",
    "IN",
    "LEFT",
    "NOBODY",
    "NOT_KEPT",
    "OFFERED",
    "OUT",
    "PARTED",
    "REFUSED",
    "RENDERING",
    "ROSTER",
    "SHARED_BOOK",
    "TAKEN_BACK",
    "WAITING",
    "Account",
    "Address",
    "AddressBook",
    "AdministratorAct",
    "Audience",
    "Base",
    "Block",
    "BrowserSession",
    "CalendarFeed",
    "Card",
    "CardLink",
    "CardListKey",
    "CardNews",
    "CarriedField",
    "Connection",
    "ContactListKey",
    "DeadProperty",
    "Device",
    "DeviceCopy",
    "Digest",
    "DigestSeen",
    "DirectoryMember",
    "DisclosedAudience",
    "DisclosedField",
    "EditConflict",
    "Ending",
    "Entry",
    "EntryVersion",
    "Errand",
    "Fault",
    "Field",
    "FieldDoubt",
    "FieldException",
    "FieldState",
    "GivenUp",
    "Grant",
    "Group",
    "Invitation",
    "InvitationLink",
    "Job",
    "KeptApart",
    "LinkedEntry",
    "ListProposal",
    "ListState",
    "LoginName",
    "Member",
    "Membership",
    "MergedEntry",
    "Message",
    "NextEnd",
    "OneTimeToken",
    "Organisation",
    "OrganisationBook",
    "OrganisationIdentity",
    "OrganisationLook",
    "Overlay",
    "OwnSearchKey",
    "Picture",
    "Preferences",
    "PrivateCard",
    "Profile",
    "ProfileState",
    "ProvisionedAccount",
    "ProvisionedField",
    "PublicFriend",
    "PushHost",
    "PushSubscription",
    "RateLimit",
    "Request",
    "RosterChange",
    "RosterEntry",
    "ScimKey",
    "ScimToken",
    "ScimUser",
    "SearchKey",
    "ServerSecret",
    "SharedAccess",
    "SharedBook",
    "SharedChange",
    "SharedCopy",
    "SharedField",
    "Suppression",
    "VersionTotal",
    "new_id",
    "now",
]
