"""What people are reminded of until they have done it: to prove an address, without which a lost password is lost."""

from __future__ import annotations

from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import database, visitor
from sync.accounts import addresses


def install(portal: Portal) -> None:
    """Let templates ask ``unproved()``."""
    portal.jinja_env.globals["unproved"] = unproved


def unproved() -> bool:
    """Whether who is signed in has no proved address or number, and this server could send something to prove one."""
    found, settings = visitor(), database().settings
    can_prove = bool(settings.base_url) and any(map(settings.sending.can_send, addresses.CHANNELS))
    if found is None or not can_prove:
        return False
    with database().reading() as session:
        return not addresses.addresses_of(session, found.account_id)
