"""Who may reach a server that is about to start."""

import ipaddress

import click

from weaver_like.settings import Settings


def refuse_open(settings: Settings) -> None:
    """Refuse to serve other machines without authentication, unless the operator allows it.

    Raises: click.ClickException.
    """
    host = settings.server.host
    if settings.security.open or _is_loopback(host):
        return
    raise click.ClickException(
        f"server.host is {host}: there is no authentication, so anybody who reaches this address could run processes. "
        "Listen on 127.0.0.1 behind a proxy that authenticates, or allow it: --set security.open=true"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
