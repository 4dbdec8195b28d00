"""``evercard serve`` without the worker beside it, so that a test says itself when the outbox is worked off."""

from __future__ import annotations

import os
import threading
from unittest import mock

from radicale_plugin.server import serving
from tests.support import clock

# The processes that serve are started with this module as well.
clock.follow()


def no_worker(_stop: threading.Event, _renew: threading.Event) -> None:
    """Stand where the worker would be kept running."""


if __name__ == "__main__":
    with mock.patch.object(serving, "_keep_worker", no_worker):
        serving.serve(os.environ["RADICALE_CONFIG"])
