"""Looking through a directory: who is gone is shut out, and nobody is who only could not be seen."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import update

from sync.accounts import acts
from sync.database.engine import Database
from sync.errors import LdapUnavailable, WrongPassword
from sync.ldap import arriving, looking
from sync.ldap.client import Client
from sync.models import OrganisationIdentity, OrganisationLook
from sync.settings import Ldap
from sync.sharing.cards import content_of
from sync.sharing.visibility import fields_of
from sync.sign_in import administrators, credentials, deletion, people_list
from tests.support.databases import opened
from tests.support.slapd import PASSWORD, PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd

FIELDS = (("office-phone", "telephonenumber"), ("name", "displayname"))


@pytest.fixture
def database(database_url: str, directory: Slapd) -> Database:
    """Return a database whose people sign in by the directory."""
    url, service = f"ldap://127.0.0.1:{directory.port}", {"bind_dn": SERVICE, "bind_password": SERVICE_PASSWORD}
    ours = Ldap(url, ca_file=directory.ca_file, base=PEOPLE, sign_up=True, fields=FIELDS, close_at_most=2, **service)
    return opened(database_url, ldap=ours)
