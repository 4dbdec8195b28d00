"""
One more hand, in a process of its own: ``hand.py DATABASE-URL OWNER GROUP INLINE-VIEWERS``.

It changes what the owner shows to a group, again and again, until its standard input is closed.
"""

from __future__ import annotations

import sys
import threading

from sync import fields
from sync.database.engine import Database
from sync.profiles import profiles
from sync.settings import Settings
from sync.sharing import grants


def main(url: str, owner_id: int, group_id: int, inline_viewers: int) -> None:
    """Work until nobody wants it any more."""
    done = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        done.set()

    threading.Thread(target=wait, daemon=True).start()
    database = Database(url, Settings(inline_viewers=inline_viewers, chunk_viewers=1))
    number = 0
    while not done.is_set():
        contents = [fields.field_from_text("note", f"hand {number + step}") for step in range(2)]
        number += 2
        field_id = database.write(lambda session: profiles.add_field(session, owner_id, contents[0]))  # noqa: B023 - run at once
        database.write(lambda session: grants.grant(session, owner_id, group_id, [field_id]))  # noqa: B023 - run at once
        database.write(lambda session: profiles.set_field(session, owner_id, field_id, contents[1]))  # noqa: B023 - run at once
        database.write(lambda session: profiles.remove_field(session, owner_id, field_id))  # noqa: B023 - run at once
    database.dispose()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
