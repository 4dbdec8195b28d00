"""What the engine must be told from outside; it reads no file and no environment itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of something one person may have. Reaching a limit refuses the change and keeps what is stored."""

    fields: int = 200
    #: Characters of one field as stored; a photo is the largest.
    field_size: int = 320_000
    groups: int = 100
    devices: int = 50
    address_books: int = 20
    #: Octets of one card as a client sends it (client fact I-18). What is served of an entry may always be sent back,
    #: and of people's cards *card_room* more, for what a client adds.
    card_size: int = 262_144
    card_room: int = 32_768
    #: Octets of a person's whole card in either version, with everything in it, and of what a viewer adds to another's.
    #: What is stored may be larger than what is sent, or a card at the limit could not be sent back.
    profile_size: int = 327_680
    overlay_size: int = 262_144
    private_entries: int = 50_000
    #: Private entries of an address book that devices are told are gone; beyond it they fetch the whole book once.
    gone_entries: int = 50_000
    #: Contacts that are one with a card, and octets that are kept to take them apart again.
    linked_entries: int = 5_000
    linked_size: int = 50_000_000
    #: Addresses that a person proved to be theirs.
    addresses: int = 10
    requests_a_day: int = 20
    introductions_a_day: int = 20
    links: int = 50
    #: Registrations for push, of a person and of one of their devices.
    push_subscriptions: int = 200
    push_subscriptions_of_device: int = 40
    #: Octets of what devices replaced or deleted, and how many of such versions; beyond it they are thinned out.
    versions_size: int = 20_000_000
    versions: int = 5_000
    #: Characters of what a profile was earlier, and how many such states; beyond it they are thinned out.
    profile_states_size: int = 10_000_000
    profile_states: int = 2_000
    #: Changes that devices and the browser may send; a large one counts as several (`sync.accounts.spending`).
    writes_a_day: int = 40_000


@dataclass(frozen=True, slots=True)
class Sending:
    """
    How messages leave. E-mail is sent where *smtp_host* and *mail_from* are given, text messages where *sms_url* is.

    *smtp_security* is ``starttls``, ``tls`` or ``none``. *sms_url* is the https address of a gateway that takes a POST
    of *sms_body*, in which ``{to}`` and ``{text}`` are filled in as JSON strings, with *sms_headers*, one a line.
    *allow_local* lets it be a plain or local address, which is for tests and gateways on this machine.
    """

    smtp_host: str = ""
    smtp_port: int = 587
    smtp_security: str = "starttls"
    smtp_user: str = ""
    smtp_password: str = ""
    mail_from: str = ""
    sms_url: str = ""
    sms_headers: str = ""
    sms_body: str = '{"to": {to}, "text": {text}}'
    allow_local: bool = False

    def can_send(self, channel: str) -> bool:
        """Whether messages of this *channel*, ``email`` or ``sms``, leave this server."""
        return bool(self.smtp_host and self.mail_from) if channel == "email" else bool(self.sms_url)


@dataclass(frozen=True, slots=True)
class Organisation:
    """
    The provider that people sign in by to the portal (OpenID Connect), where *issuer* is given.

    *client_id* and *client_secret* are what this server is to it, *name* what people call it. *scopes* are asked for.
    Who signs in first gets an account where *sign_up* is set; with *link_by_email* they get the one whose e-mail
    address is proved at both. *fields* are pairs of a kind of field and what the provider says that fills it.
    """

    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    name: str = ""
    scopes: str = "openid profile email offline_access"
    sign_up: bool = False
    link_by_email: bool = False
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether people can sign in by it."""
        return bool(self.issuer)


@dataclass(frozen=True, slots=True)
class Ldap:
    """
    The directory (LDAP) whose passwords people sign in with to the portal, where *url* is given.

    *url* is ``ldaps://…``, or ``ldap://…`` with *start_tls*; *ca_file* has the certificates that are trusted, else the
    system's are. This server binds as *bind_dn* with *bind_password*. Somebody is there who is below *base* and fits
    *filter*; *logins* are the attributes that people may call themselves by, *id* is the one that stays theirs for
    ever. *name* is what people call it. *sign_up* and *fields* are as for `Organisation`; *link_by* is by what somebody
    gets the account that is here already: ``none``, ``email`` (proved here), or ``login``. Where more than
    *close_at_most* are missing at one look, nobody's account is closed until an administrator says so.
    *organisations* are pairs of the name of one here and a filter: whoever fits that is invited into it.
    """

    url: str = ""
    start_tls: bool = True
    ca_file: str = ""
    bind_dn: str = ""
    bind_password: str = ""
    base: str = ""
    filter: str = "(objectClass=person)"
    logins: tuple[str, ...] = ("uid", "mail")
    id: str = "entryUUID"
    name: str = ""
    sign_up: bool = False
    link_by: str = "none"
    fields: tuple[tuple[str, str], ...] = ()
    close_at_most: int = 10
    organisations: tuple[tuple[str, str], ...] = ()

    @property
    def is_known(self) -> bool:
        """Whether people can sign in by it."""
        return bool(self.url)


@dataclass(frozen=True, slots=True)
class Scim:
    """
    How an organisation tells of people (SCIM), where *is_open* is set.

    *link_by* is as for `Ldap`, *fields* are pairs of a kind of field and the attribute that fills it. Whom it takes
    back is deleted with *deletes*, and their account is closed without.
    """

    is_open: bool = False
    link_by: str = "none"
    fields: tuple[tuple[str, str], ...] = ()
    deletes: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """
    How the engine works.

    A change that at most *inline_viewers* people can see is carried to all of them in its own transaction; beyond that
    a worker carries it in chunks of at most *chunk_viewers*, or of as many as a moment allows. *lease* is how many
    seconds a worker may be silent before another takes over its job. *secret* keys the hashes of device passwords; when
    it is empty the database keeps a random one. Without *accept_overlays*, a device's change of a connection's card is
    refused instead of kept for that viewer. What a device replaced or deleted can be restored for *keep_versions_days*,
    0 for not at all. *base_url* is the address by which people reach this server, without a slash at its end; empty
    where links cannot be sent. *phone_region* is the country, as two letters, that a phone number without a country
    code is of. *sign_up* is who may make an account in the portal: somebody who was ``invited``, anybody (``open``), or
    nobody (``closed``). *push* lets devices be told of changes by push services, which *push_to_local* lets be plain or
    local, for tests. *pooler* says that PostgreSQL is reached through one that lends a connection for one transaction.
    *standby_url* is a standby of the PostgreSQL database that answers polls which find nothing new.
    *organisation* is the provider that people may sign in by, *ldap* the directory whose passwords they may use, *scim*
    how an organisation tells of people.
    """

    pool_size: int = 8
    pooler: bool = False
    standby_url: str = ""
    inline_viewers: int = 2_000
    chunk_viewers: int = 10_000
    accept_overlays: bool = True
    push: bool = True
    push_to_local: bool = False
    keep_versions_days: int = 30
    lease: int = 30
    secret: str = ""
    base_url: str = ""
    phone_region: str = ""
    sign_up: str = "invited"
    limits: Limits = Limits()
    sending: Sending = Sending()
    organisation: Organisation = Organisation()
    ldap: Ldap = Ldap()
    scim: Scim = Scim()

    @property
    def can_push(self) -> bool:
        """Whether devices are told of changes, which they can ask for only where this server's address is known."""
        return bool(self.push and self.base_url)
