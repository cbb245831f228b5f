"""`weaver-like`: its commands, each imported when it is asked for."""

import importlib

import click

from weaver_like import __version__

#: Command -> module below `weaver_like.cli`, where it is a function of its name.
_MODULES = {
    "serve": "serve",
    "deploy-local": "deploy",
    "worker": "worker",
    "schedule": "schedules",
    "schedules": "schedules",
    "migrate": "maintenance",
    "plugins": "maintenance",
    "settings": "maintenance",
    "store": "store",
    "sweep": "maintenance",
}


class _Commands(click.Group):
    """Finds commands in `_MODULES`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"weaver_like.cli.{_MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Algorithms as web processes: an OGC API - Processes server."""


if __name__ == "__main__":
    cli()
