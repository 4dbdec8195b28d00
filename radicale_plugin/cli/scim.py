"""`evercard scim`: the tokens by which an organisation tells of its people."""

from __future__ import annotations

import click

from radicale_plugin.cli.output import day, json_option, moment, print_json, print_table
from radicale_plugin.cli.site import Site, pass_site
from sync.scim import tokens


@click.group()
def scim() -> None:
    """An organisation that tells of its people (SCIM)."""


@scim.command("add")
@click.argument("label")
@json_option
@pass_site
def add_token(site: Site, label: str, *, as_json: bool) -> None:
    """Make a token, and print it, once. LABEL is how you know it, such as "Entra ID"."""
    token = site.write(lambda session: tokens.add(session, label))
    if as_json:
        print_json({"label": label, "token": token})
        return
    click.echo(token)
    click.echo("The token is shown only now. Whoever has it makes, fills and closes accounts.", err=True)


@scim.command("list")
@json_option
@pass_site
def list_tokens(site: Site, *, as_json: bool) -> None:
    """List the tokens, and when they were used."""
    with site.read() as session:
        found = tokens.tokens(session)
    if as_json:
        used = [(each, moment(each.last_used_at) if each.last_used_at else None) for each in found]
        print_json([{"label": each.label, "made": moment(each.created_at), "used": at} for each, at in used])
        return
    rows = [(each.label, day(each.created_at), day(each.last_used_at) if each.last_used_at else "") for each in found]
    print_table(("token", "made", "used"), rows)


@scim.command("revoke")
@click.argument("label")
@pass_site
def revoke_token(site: Site, label: str) -> None:
    """Let a token open nothing any more."""
    site.write(lambda session: tokens.revoke(session, label))
    click.echo("Revoked.")
