"""The `oncall` command: each subcommand parses, calls one function, and says what happened."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial, wraps
from importlib import import_module
from typing import Any

import click

from app.core.errors import Failure

# Where each command lives: only the module of the one that runs is loaded, so that a part of the system stays small.
COMMANDS = {
    "app.core.running": ("up", "web", "live", "worker", "clock", "mail"),
    "app.core.commands": ("migrate", "doctor", "plugins", "secrets"),
    "app.identity.commands": ("token", "user"),
    "app.notifications.commands": ("vapid",),
    "app.ingest.commands": ("simulate",),
    "app.core.backup_commands": ("backup", "restore"),
    "app.config.import_commands": ("import",),
    "app.config.replay_commands": ("replay",),
    "app.config.commands": ("apply", "diff", "export", "schema", "demo"),
}


class Commands(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Every command, in alphabetical order."""
        return sorted(name for names in COMMANDS.values() for name in names)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of this name; its module registers it when loaded."""
        for module, names in COMMANDS.items():
            if name in names:
                import_module(module)
        return super().get_command(context, name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="oncall-platform", prog_name="oncall")
def oncall() -> None:
    """The OnCall Platform: alerts in, the right person paged, nothing lost."""


def with_app(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run the command inside the application; a failure is one clear line and a non-zero exit."""
    @wraps(command)
    def inside(*args: Any, **kwargs: Any) -> Any:
        from app import create_app

        with create_app(doors=False).app_context():
            return command(*args, **kwargs)
    return inside


def show(data: Any) -> None:
    """Print data as JSON."""
    click.echo(json.dumps(data, indent=2, default=str))


def main() -> None:
    """Entry point."""
    plainly(partial(oncall, standalone_mode=False))


def plainly(work: Callable[[], Any]) -> None:
    """Do `work`; failures end as one line on standard error."""
    try:
        work()
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
