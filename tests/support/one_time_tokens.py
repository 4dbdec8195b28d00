"""What the links in messages carry, for tests that read no message."""

from __future__ import annotations

import json

from sqlalchemy import select

from sync.database.engine import Database
from sync.models import Message
from tests.support.meeting import do_errands


def newest_token(database: Database, template: str, key: str = "link") -> str:
    """Return what the link *key* of the newest message of this *template* carries that still waits to be sent."""
    do_errands(database)
    with database.reading() as session:
        waiting = select(Message.values).where(Message.template == template)
        values = session.scalars(waiting.order_by(Message.created_at.desc(), Message.id.desc())).first()
    assert values is not None, template
    return str(json.loads(values)[key]).partition("?token=")[2]
