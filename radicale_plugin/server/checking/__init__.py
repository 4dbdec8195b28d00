"""
Checking an installation: what is doubtful in its configuration and why, and whether what it needs works.

`findings` names all of it, `stopping` only what a server could not run with.
"""

from __future__ import annotations

from collections.abc import Iterator

from radicale import config

from radicale_plugin import option_values, settings
from radicale_plugin.server.checking import access, organisation, reach, sending, site, trials
from radicale_plugin.server.checking.finding import Finding, Installation, Level, good, wrong
from sync.database.engine import Database
from sync.errors import InvalidInput

__all__ = ["Finding", "Level", "findings", "stopping"]

#: What looks at the configuration alone, and what tries something out.
LOOKS = (site.look, reach.look, access.look, sending.look, organisation.look)
TRIALS = (trials.disk, trials.database, trials.synchronous, trials.standby, trials.worker, trials.clock)
#: What asks other servers.
DISTANT_TRIALS = (sending.try_mail, organisation.try_provider, organisation.try_directory)


def findings(path: str | None, *, mail_to: str = "") -> Iterator[Finding]:
    """
    Yield all that is found about the configuration file at *path*.

    With *mail_to*, a test letter goes to this address.
    """
    try:
        configuration = settings.load(path, checked=False)
        installation = Installation(path, configuration, option_values.values_of(configuration), mail_to)
    except InvalidInput as error:
        yield wrong("configuration", str(error))
        return
    doubts = _looked_at(installation)
    yield from doubts or [good("configuration", "Nothing in it is doubtful.")]
    for trial in (*TRIALS, *DISTANT_TRIALS):
        yield from trial(installation)


def of_running(configuration: config.Configuration, database: Database, *, distant: bool) -> list[Finding]:
    """Return what is found about a server that runs on *database*; if *distant*, other servers are asked, too."""
    url = {"database_url": database.url.render_as_string(hide_password=False), "database_url_file": ""}
    installation = Installation(None, configuration, option_values.values_of(configuration) | url, "", database)
    tried = (*TRIALS, *DISTANT_TRIALS) if distant else TRIALS
    return [*_looked_at(installation), *(finding for trial in tried for finding in trial(installation))]


def stopping(path: str | None) -> list[Finding]:
    """Return what a server with the configuration file at *path* could not run with."""
    try:
        configuration = settings.load(path, checked=False)
        installation = Installation(path, configuration, option_values.values_of(configuration), "")
    except InvalidInput as error:
        return [wrong("configuration", str(error))]
    looks = _looked_at(installation)
    tried = [*trials.disk(installation), *trials.address(installation)]
    return [finding for finding in (*looks, *tried) if finding.level is Level.WRONG]


def _looked_at(installation: Installation) -> list[Finding]:
    found = [finding for look in LOOKS for finding in look(installation)]
    if not any(finding.level is Level.WRONG for finding in found):
        try:
            settings.check(installation.configuration)
        except InvalidInput as error:
            if not any(finding.about in str(error) for finding in found):
                found.append(wrong("configuration", str(error)))
    return found
