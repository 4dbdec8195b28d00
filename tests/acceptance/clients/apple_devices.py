"""An iPhone and a Mac, where they differ."""

from __future__ import annotations

from typing_extensions import override

from tests.acceptance.clients.apple import Apple
from tests.acceptance.clients.wire import conditions
from tests.support.dav import DAV, Exchange


class IPhone(Apple):
    """An iPhone: it shows every address book of the home (client fact I-2)."""

    accounts_agent = "iOS/18.4 (22E240) accountsd/1.0"
    agent = "iOS/18.4 (22E240) dataaccessd/1.0"
    product = "iPhone OS 18.4"


class Mac(Apple):
    """A Mac: it shows the first address book of the home and no other (client fact I-1)."""

    accounts_agent = "macOS/15.5 (24F74) accountsd/2154"
    agent = "macOS/15.5 (24F74) AddressBookCore/2695.500.71"
    product = "macOS 15.5"

    @override
    def shown(self, urls: list[str]) -> list[str]:
        return urls[:1]

    def sync_with_stray_token(self) -> Exchange:
        """Ask for changes since something that was never a token, as Macs were seen to (client fact I-13)."""
        answer = self.report_changes(self.book, "b905a5fd-6cb3-4c50-9c14-9c0d1f6a1c59")
        if f"{{{DAV}}}valid-sync-token" in conditions(answer):
            self.fill(self.book)
        return answer
