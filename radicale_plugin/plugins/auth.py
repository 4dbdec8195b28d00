"""Radicale's auth plugin: a login and the password of one of the person's devices."""

from __future__ import annotations

from radicale import config
from radicale.auth import BaseAuth
from typing_extensions import override

from radicale_plugin import settings
from radicale_plugin.plugins import callers
from sync.sign_in.credentials import Gate


class Auth(BaseAuth):
    """Lets devices in. Passwords of people are for the portal and open nothing here."""

    def __init__(self, configuration: config.Configuration) -> None:
        """Prepare for *configuration*."""
        super().__init__(configuration)
        self._gate = Gate(settings.database(configuration))

    @override
    def _login(self, login: str, password: str) -> str:
        caller = self._gate.admit(login, password)
        if caller is None:
            return ""
        callers.note(caller.login, caller.device_id)
        return caller.login

    @override
    def _sleep_for_constant_exec_time(self, time_ns_begin: int) -> None:
        # Radicale's delay never shrinks again after one slow failure, and sleeps in a slot that others wait for.
        # Nothing here needs it: the secret is random, and compared in constant time.
        return
