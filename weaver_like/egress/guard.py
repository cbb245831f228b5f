"""Where outgoing requests may go: to no private, loopback, link-local or metadata address, unless it is allowed."""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from weaver_like.domain.errors import FetchFailed, SettingError
from weaver_like.domain.masks import shown

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED, _COMPATIBLE = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96")
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ipaddress.ip_address("127.0.0.1")

#: A row of `socket.getaddrinfo`: family, type, protocol, canonical name, address.
AddressRow = tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class _Rule:
    """One entry of `security.allowed_hosts`."""

    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    host: str | None
    port: int | None

    def allows(self, address: Address, host: str, port: int) -> bool:
        if self.port is not None and self.port != port:
            return False
        if self.network is not None:
            return address in self.network
        return host == self.host


class Guard:
    """Checks URLs at submission, and addresses again at each connection: a name may change its address."""

    def __init__(self, allowed_hosts: str):
        self._rules = [_parse_rule(entry) for entry in allowed_hosts.replace(",", " ").split()]

    def check_url(self, url: str) -> SplitResult:
        """Check what can be checked without a name server.

        Raises: FetchFailed, for other schemes than http and https, and for hosts that are private by name.
        """
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError as error:
            raise FetchFailed(f"'{shown(url)}' is not a URL: {error}.") from error
        if parts.scheme not in _PORTS:
            raise FetchFailed(f"'{shown(url)}' has the scheme '{parts.scheme}'; expected http or https.")
        if not _is_host(host):
            raise FetchFailed(f"'{shown(url)}' does not name a host.")
        address = _literal(host)
        local = host == "localhost" or host.endswith(".localhost")
        if address is not None:
            self.check_address(address, host, port)
        elif local and not self._allowed(_LOOPBACK, host, port):
            raise FetchFailed(_refusal(host))
        return parts

    def check_address(self, address: Address, host: str, port: int) -> None:
        """Raises: FetchFailed, if the address is not public and no rule allows it."""
        mapped = _embedded(address)
        public = address.is_global and not address.is_multicast and not getattr(address, "is_site_local", False)
        public = public and (mapped is None or mapped.is_global)
        if not public and not self._allowed(mapped or address, host, port):
            raise FetchFailed(_refusal(host))

    def resolve(self, host: str, port: int) -> Sequence[AddressRow]:
        """Addresses of a host, each of them checked.

        Raises: FetchFailed; OSError, if the name is unknown.
        """
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:  # a label that is not allowed in names
            raise OSError(f"'{host[:100]}' is not a host name") from error
        for row in rows:
            text = str(row[4][0]).partition("%")[0]
            self.check_address(ipaddress.ip_address(text), host, port)
        return rows

    def _allowed(self, address: Address, host: str, port: int) -> bool:
        return any(rule.allows(address, host.lower(), port) for rule in self._rules)


def _is_host(host: str) -> bool:
    """True for an IPv6 address, and for names whose labels all have 1 to 63 characters."""
    if ":" in host:
        return True
    return all(0 < len(label) <= 63 for label in host.split("."))


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for: mapped, compatible, 6to4, or behind a translator (RFC 6052)."""
    if address.version == 4:
        return None
    if address.ipv4_mapped or address.sixtofour:
        return address.ipv4_mapped or address.sixtofour
    if address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _refusal(host: str) -> str:
    return (
        f"The host '{host[:100]}' has a private address; this server only reaches public addresses and those in "
        "security.allowed_hosts."
    )


def _literal(host: str) -> Address | None:
    """The address that a host states literally, also in old forms (0x7f.1, 2130706433) that resolvers still accept."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    if host[:1].isdigit():
        try:
            return ipaddress.ip_address(socket.inet_aton(host))
        except OSError:
            return None
    return None


def _parse_rule(entry: str) -> _Rule:
    """Raises: SettingError."""
    host, port = _split_port(entry)
    host = host.strip("[]").lower()
    try:
        return _Rule(ipaddress.ip_network(host, strict=False), None, port)
    except ValueError:
        if "/" in host:
            raise SettingError(f"Setting 'security.allowed_hosts': '{host}' is not a network.") from None
        return _Rule(None, host, port)


def _split_port(entry: str) -> tuple[str, int | None]:
    """Host and port of `host:port` or `[address]:port`; None without a port. Raises: SettingError."""
    bracketed = entry.startswith("[")
    if entry.endswith("]") or not (bracketed or entry.count(":") == 1):
        return entry, None
    host, _, port = entry.rpartition(":")
    if not port:
        return host, None
    if not port.isdigit():
        raise SettingError(
            f"Setting 'security.allowed_hosts': expected an address, a network or host:port, got '{entry}'."
        )
    return host, int(port)
