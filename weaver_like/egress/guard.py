"""Where outgoing requests may go: no private, loopback, link-local or metadata address, unless the operator allows it."""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from weaver_like.domain.errors import FetchFailed, SettingError
from weaver_like.domain.masks import shown

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_TRANSLATED, _COMPATIBLE = ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Rule:
    """One entry of `security.allowed_hosts`."""

    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    host: str | None
    port: int | None

    def allows(self, address: Address, host: str, port: int) -> bool:
        if self.port is not None and self.port != port:
            return False
        return address in self.network if self.network is not None else host == self.host


class Guard:
    """Checks URLs when they are submitted, and again every address that a connection is made to: a name may change its mind."""

    def __init__(self, allowed_hosts: str):
        self._rules = [_parse_rule(entry) for entry in allowed_hosts.replace(",", " ").split()]

    def check_url(self, url: str) -> SplitResult:
        """Check what can be known without asking a name server.

        Raises: FetchFailed, for other schemes than http and https, and for hosts that are private by their spelling.
        """
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError as error:
            raise FetchFailed(f"'{shown(url)}' is no URL: {error}.") from error
        if parts.scheme not in _PORTS:
            raise FetchFailed(f"The scheme of '{shown(url)}' is '{parts.scheme}'; http or https is wanted.")
        if not host or (any(not label or len(label) > 63 for label in host.split(".")) and ":" not in host):
            raise FetchFailed(f"'{shown(url)}' names no host.")
        address = _literal(host)
        if address is not None:
            self.check_address(address, host, port)
        elif (host == "localhost" or host.endswith(".localhost")) and not self._allowed(
            ipaddress.ip_address("127.0.0.1"), host, port
        ):
            raise FetchFailed(_refusal(host))
        return parts

    def check_address(self, address: Address, host: str, port: int) -> None:
        """Raises: FetchFailed, if the address is not public and no rule allows it."""
        mapped = _embedded(address)
        public = address.is_global and not address.is_multicast and not getattr(address, "is_site_local", False)
        public = public and (mapped is None or mapped.is_global)
        if not public and not self._allowed(mapped or address, host, port):
            raise FetchFailed(_refusal(host))

    def resolve(self, host: str, port: int) -> list[tuple]:
        """Addresses of a host, each checked: `getaddrinfo` rows. Raises: FetchFailed; OSError, if the name is unknown."""
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:  # a label that no name can have
            raise OSError(f"'{host[:100]}' is no host name") from error
        for row in rows:
            self.check_address(ipaddress.ip_address(row[4][0].partition("%")[0]), host, port)
        return rows

    def _allowed(self, address: Address, host: str, port: int) -> bool:
        return any(rule.allows(address, host.lower(), port) for rule in self._rules)


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
    return f"The host '{host[:100]}' is at a private address; this server reaches only public ones and those in security.allowed_hosts."


def _literal(host: str) -> Address | None:
    """The address that a host spells out, also in the old forms (0x7f.1, 2130706433) that resolvers still take."""
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
    host, port = entry, None
    if entry.count(":") == 1 or entry.startswith("["):
        host, _, text = entry.rpartition(":") if not entry.endswith("]") else (entry, "", "")
        if text:
            if not text.isdigit():
                raise SettingError(
                    f"The setting 'security.allowed_hosts' has the entry '{entry}'; address, network or host:port is wanted."
                )
            port = int(text)
    host = host.strip("[]").lower()
    try:
        return _Rule(ipaddress.ip_network(host, strict=False), None, port)
    except ValueError:
        if "/" in host:
            raise SettingError(
                f"The setting 'security.allowed_hosts' has the network '{host}', which is none."
            ) from None
        return _Rule(None, host, port)
