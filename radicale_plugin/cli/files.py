"""Files that commands write: for their owner's eyes alone, and whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sync.errors import InvalidInput


@contextlib.contextmanager
def written_beside(path: str) -> Iterator[Path]:
    """
    Yield an empty file that becomes the one at *path* when the block ends well; what was there stays otherwise.

    Nobody else may read it, whatever the umask. What is no file, such as a pipe, is yielded itself.

    Raises:
        InvalidInput: It cannot be written.
    """
    given = Path(path)
    # A link goes on pointing to where it pointed.
    wanted = given.resolve()
    try:
        if given.exists() and not given.is_file():
            yield given
            return
        descriptor, name = tempfile.mkstemp(prefix=f".{wanted.name}.", dir=wanted.parent)
        os.close(descriptor)
        made = Path(name)
        try:
            yield made
            _keep(made, wanted)
        finally:
            made.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidInput(f"The file {path!r} cannot be written: {error.strerror}.") from error


def write(path: str, data: bytes) -> None:
    """
    Write *data* as `written_beside` does.

    Raises:
        InvalidInput: It cannot be written.
    """
    with written_beside(path) as file:
        file.write_bytes(data)


def _keep(made: Path, wanted: Path) -> None:
    for place, flags in ((made, os.O_RDWR), (made.parent, os.O_RDONLY)):
        descriptor = os.open(place, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if place == made:
            made.replace(wanted)
