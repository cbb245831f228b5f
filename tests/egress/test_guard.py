"""Where outgoing requests may go: every spelling of an address, and the rules of `security.allowed_hosts`."""

import ipaddress

import pytest

from weaver_like.domain.errors import FetchFailed, SettingError
from weaver_like.egress.guard import Guard

#: The same few places, as resolvers and URL libraries let one spell them.
PRIVATE_HOSTS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "0x7f.1",
    "0x7f000001",
    "0x7F.0x0.0x0.0x1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "127.000.000.001",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[2002:7f00:1::]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "10.0.0.1",
    "10.1",
    "0xa.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.257",
    "[::ffff:10.0.0.1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[fe80::1%eth0]",
    "[fd00:ec2::254]",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[ff02::1]",
    "[2001:db8::1]",
    "[fec0::1]",
]


@pytest.mark.parametrize("host", PRIVATE_HOSTS)
@pytest.mark.parametrize(
    "form",
    [
        "http://{}/",
        "https://{}:8443/x?y#z",
        "http://user@{}/",
        "http://user:password@{}:80/",
        "http://example.org@{}/",
        "HTTP://{}",
        "http://example.org:80@{}/",
    ],
)
def test_private_addresses_are_refused_in_every_spelling(host: str, form: str) -> None:
    """RFC 6890; the special-purpose address registries of IANA"""
    with pytest.raises(FetchFailed):
        Guard("").check_url(form.format(host))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "https://example.org:8443/a",
        "http://8.8.8.8/",
        "http://134744072/",
        "http://[2606:4700:4700::1111]/",
        "http://localhost.example.org/",
        "http://user:password@example.org/",
        "http://127.example.org/",
        "http://10.example.org/",
        "HTTP://EXAMPLE.ORG/",
        "http://xn--bcher-kva.example/",
    ],
)
def test_public_addresses_are_let_through(url: str) -> None:
    Guard("").check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "x",
        "//example.org/",
        "http:",
        "http://",
        "http:///path",
        "http://:80/",
        "http://@/",
        "http://./",
        "ftp://example.org/",
        "file:///etc/passwd",
        "data:,x",
        "javascript:alert(1)",
        "gopher://example.org/",
        "ldap://example.org/",
        "unix:/run/x",
        "http+unix://x/",
        "http://[::1",
        "http://[bad]/",
        "http://example.org:x/",
        "http://example.org:99999/",
        "http://example.org:-1/",
        "mailto:a@b",
        "\x00",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(FetchFailed):
        Guard("127.0.0.1").check_url(url)


@pytest.mark.parametrize(
    "host", ["a..b", "a" * 64, "a" * 64 + ".example.org", ".example.org", "example..org", "a." * 130 + "org"]
)
def test_names_that_no_resolver_takes_are_refused_like_unknown_names(host: str) -> None:
    """A `UnicodeError` of the resolver is no error of ours: it would end the thread that asked."""
    guard = Guard("")
    with pytest.raises((FetchFailed, OSError)):
        guard.check_url(f"http://{host}/")
        guard.resolve(host, 80)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "::1",
        "::ffff:10.0.0.1",
        "169.254.169.254",
        "fe80::1",
        "0.0.0.0",
        "64:ff9b::a00:1",
        "::10.0.0.1",
    ],
)
def test_addresses_of_names_are_checked_too(address: str) -> None:
    """A public name may point to a private address (DNS rebinding)."""
    with pytest.raises(FetchFailed):
        Guard("").check_address(ipaddress.ip_address(address), "rebound.example.org", 80)


@pytest.mark.parametrize("name", ["localhost", "127.1", "0x7f.1", "2130706433"])
def test_names_are_resolved_before_they_are_checked(name: str) -> None:
    with pytest.raises(FetchFailed):
        Guard("").resolve(name, 80)


@pytest.mark.parametrize(
    ("rules", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1/"),
        ("127.0.0.1", "http://127.0.0.1:8080/"),
        ("127.0.0.1", "http://127.1/"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
        ("127.0.0.1", "http://user@127.0.0.1/"),
        ("127.0.0.0/8", "http://127.9.9.9/"),
        ("10.0.0.0/8, 127.0.0.1", "http://10.1.2.3/"),
        ("10.0.0.0/8 127.0.0.1:80", "http://127.0.0.1/"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ("[::1]", "http://[::1]/"),
        ("::1", "http://[::1]/"),
        ("[::1]:80", "http://[::1]/"),
        ("fd00::/8", "http://[fd00::1]/"),
        ("localhost", "http://localhost/"),
        ("LOCALHOST", "http://localhost./"),
        ("localhost:81", "http://localhost:81/"),
        ("127.0.0.1:443", "https://127.0.0.1/"),
    ],
)
def test_rules_allow(rules: str, url: str) -> None:
    Guard(rules).check_url(url)


@pytest.mark.parametrize(
    ("rules", "url"),
    [
        ("127.0.0.1", "http://127.0.0.2/"),
        ("127.0.0.1", "http://[::1]/"),
        ("127.0.0.1", "http://10.0.0.1/"),
        ("127.0.0.1:80", "http://127.0.0.1:81/"),
        ("127.0.0.1:80", "https://127.0.0.1/"),
        ("10.0.0.0/8", "http://172.16.0.1/"),
        ("[::1]:80", "http://[::1]:81/"),
        ("example.org", "http://127.0.0.1/"),
        ("localhost:81", "http://localhost:80/"),
    ],
)
def test_rules_allow_no_more_than_they_say(rules: str, url: str) -> None:
    with pytest.raises(FetchFailed):
        Guard(rules).check_url(url)


@pytest.mark.parametrize("rules", ["10.0.0.0/99", "10.0.0.0/x", "127.0.0.1:x", "[::1]:x", "http://127.0.0.1/"])
def test_rules_that_mean_nothing_stop_the_start(rules: str) -> None:
    with pytest.raises(SettingError):
        Guard(rules)
