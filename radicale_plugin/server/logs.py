"""
The log, as text for people or as a line of JSON for each message.

Nobody is in the JSON: no path, no address, no text of an exception, which may hold what somebody sent; and nothing that
Radicale says of single requests. What was answered is a line of its own there, at the level info.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from radicale import config, log
from typing_extensions import override

from radicale_plugin import option_values


def set_up(configuration: config.Configuration) -> None:
    """Log in this process as *configuration* says."""
    # Radicale reports the level that it logs at, at that level.
    logging.disable()
    log.setup()
    level = configuration.get("logging", "level")
    log.set_level(level, backtrace_on_debug=False)
    logging.disable(logging.NOTSET)
    if is_json(configuration):
        use_json(level)


def is_json(configuration: config.Configuration) -> bool:
    """Whether lines of the log are JSON."""
    return bool(option_values.values_of(configuration)["log_format"] == "json")


def use_json(level: str) -> None:
    """Write what this process logs at *level* and above to standard error, as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(_names_nobody)
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger("evercard").setLevel(_number(level))


class JsonFormatter(logging.Formatter):
    """Writes a message as one line of JSON: when, how bad, who says it, what, and where an exception came from."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Write *record*."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "measured", {}))
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            line["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(line, ensure_ascii=False)


def _names_nobody(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] != "radicale" or record.levelno >= logging.WARNING


def _number(level: str) -> int:
    number = logging.getLevelName(level.upper())
    return number if isinstance(number, int) else logging.DEBUG
