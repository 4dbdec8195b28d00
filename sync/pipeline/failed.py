"""What went wrong with statements that were sent together; no driver is needed to know of it."""

from __future__ import annotations


class FailedError(Exception):
    """
    Something of what was sent together failed, with the driver's *error*.

    *text* is the statement that it was; nothing is done of that, nor of what was behind it. None says that COMMIT was
    among it, and nobody knows whether it is done.
    """

    def __init__(self, error: Exception, text: str | None) -> None:
        """Tell of *error*."""
        super().__init__(text or "It is not known what was done.")
        self.error, self.text = error, text
