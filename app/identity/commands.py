"""The commands about people and API tokens: `oncall user …` and `oncall token …`."""

from __future__ import annotations

import secrets
import sys

import click
from sqlalchemy import select

from app.cli import oncall, show, with_app
from app.core import clock
from app.core.access import OPERATOR
from app.core.db import session, transaction
from app.core.errors import NotFound
from app.identity import credentials, erasing, service, signin
from app.identity.models import ApiToken, User
from app.identity.queries import user_by_email


@oncall.group()
def token() -> None:
    """Make, list and revoke API tokens."""


@oncall.group()
def user() -> None:
    """Make people, and give them a new password."""


def _person(email: str) -> User:
    found = user_by_email(email)
    if found is None:
        raise NotFound(f"There is no person with the address {email}.")
    return found


@token.command("create")
@click.option("--user", "email", required=True, help="E-mail address of the owner.")
@click.option("--name", default="command line", show_default=True)
@click.option("--scopes", help="Comma separated; without it all of the owner's rights.")
@click.option("--expires-days", type=click.IntRange(1, 365))
@click.option("--json", "as_json", is_flag=True)
@with_app
def create_token(email: str, name: str, scopes: str | None, expires_days: int | None, as_json: bool) -> None:
    """Make a token for /api/v1; its text is printed once."""
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()] if scopes else None
    with transaction():
        made, text = credentials.create_token(_person(email), by=OPERATOR, name=name, scopes=wanted, days=expires_days)
    show({"token": text, "id": str(made.id)}) if as_json else click.echo(text)


@token.command("list")
@click.option("--json", "as_json", is_flag=True)
@with_app
def list_tokens(as_json: bool) -> None:
    """List the tokens that are not revoked."""
    found = session.scalars(select(ApiToken).where(ApiToken.revoked_at.is_(None)).order_by(ApiToken.id))
    rows = [{"id": str(one.id), "user": one.user.email, "name": one.name, "ends_in": one.last4, "scopes": one.scopes,
             "created_at": clock.rfc3339(one.created_at), "last_used_at": clock.rfc3339(one.last_used_at),
             "expires_at": clock.rfc3339(one.expires_at)} for one in found]
    if as_json:
        return show(rows)
    for row in rows:
        click.echo(f"{row['id']:<6} {row['user']:<30} …{row['ends_in']}  {row['name']}")


@token.command("revoke")
@click.argument("token_id", type=int, metavar="ID")
@with_app
def revoke_token(token_id: int) -> None:
    """End a token at once."""
    with transaction():
        found = session.get(ApiToken, token_id)
        if found is None:
            raise NotFound(f"There is no token {token_id}.")
        credentials.revoke_token(found, by=OPERATOR)
    click.echo(f"Token {token_id} is revoked")


@user.command("create")
@click.argument("email")
@click.option("--name", required=True)
@click.option("--admin", is_flag=True, help="Make a platform admin.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, one line.")
@click.option("--json", "as_json", is_flag=True)
@with_app
def create_user(email: str, name: str, admin: bool, password_stdin: bool, as_json: bool) -> None:
    """Make a person; without a password, prints a one-time link with which they choose one."""
    values = {"email": email, "name": name, "role": "admin" if admin else "member"}
    if password_stdin:
        values["password"] = sys.stdin.readline().rstrip("\r\n")
    with transaction():
        made = service.add_user(values, by=OPERATOR)
        link = "" if password_stdin else credentials.make_link(made, by=OPERATOR)
    if as_json:
        return show({"id": str(made.id), "email": made.email, **({"link": link} if link else {})})
    click.echo(f"{made.name} <{made.email}> is here")
    if link:
        click.echo(f"To choose a password, open {link} (valid 24 h, works once)")


@user.command("reset-password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the new password from standard input, one line.")
@click.option("--json", "as_json", is_flag=True)
@with_app
def reset_password(email: str, password_stdin: bool, as_json: bool) -> None:
    """Set a new password, print it if none was given, lift the lock, and end every login of the person."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else secrets.token_urlsafe(15)
    with transaction():
        person = _person(email)
        signin.reset_password(person, password, by=OPERATOR)
    if as_json:
        return show({"email": person.email, **({} if password_stdin else {"password": password})})
    click.echo(f"{person.email} can sign in again")
    if not password_stdin:
        click.echo(f"New password: {password}")


@user.command("break-glass")
@click.argument("email")
@click.option("--off", is_flag=True, help="Make it an ordinary account again.")
@with_app
def break_glass(email: str, off: bool) -> None:
    """Let a local account sign in with its password also while passwords are for break-glass accounts only."""
    with transaction():
        person = service.set_break_glass(_person(email), not off, by=OPERATOR)
    click.echo(f"{person.email} is {'an ordinary' if off else 'a break-glass'} account")


@user.command("erase")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_app
def erase(email: str, yes: bool) -> None:
    """Erase a deactivated person: history names "Former person n" from then on. There is no way back."""
    if not yes:
        click.confirm(f"Erase the data of {email} for ever?", abort=True)
    with transaction():
        erased = erasing.erase_user(_person(email), by=OPERATOR)
    click.echo(f"This is {erased.name} from now on")
