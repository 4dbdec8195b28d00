"""What a process keeps for as long as it runs, which Python need not look through for garbage again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def kept() -> Iterator[None]:
    """
    Take everything that is there at the end of the block for something that stays.

    What a program loads when it starts is some hundred thousand objects: to look through them meanwhile is a fifth of
    starting, and afterwards each time a pause for whoever asks. A process that is made from this one shares the memory
    they are in for as long as nobody writes into it, which looking through them does.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(10_000, 10, 10)
        gc.enable()
