"""The `oncall` command: each subcommand parses, calls one function, and says what happened."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

import click

from app.core.errors import Failure

COMMANDS = ("app.core.commands", "app.identity.commands", "app.config.commands")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="oncall-platform", prog_name="oncall")
def oncall() -> None:
    """The OnCall Platform: alerts in, the right person paged, nothing lost."""


def with_app(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run the command inside the application; a failure is one clear line and a non-zero exit."""
    @wraps(command)
    def inside(*args: Any, **kwargs: Any) -> Any:
        from app import create_app

        with create_app().app_context():
            return command(*args, **kwargs)
    return inside


def show(data: Any) -> None:
    """Print data as JSON."""
    click.echo(json.dumps(data, indent=2, default=str))


def main() -> None:
    """Entry point: failures end as one line on standard error."""
    for module in COMMANDS:
        import_module(module)
    try:
        oncall(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Failure as error:
        click.echo(f"oncall: {error.detail}", err=True)
        sys.exit(1)
    except Exception as error:
        if "--debug" in sys.argv or isinstance(error, AssertionError):
            raise
        click.echo(f"oncall: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", err=True)
        sys.exit(1)
