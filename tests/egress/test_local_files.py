"""file:// inputs: only below the folders that the operator has opened, whatever the path looks like."""

import os
from pathlib import Path

import pytest

from weaver_like.domain.errors import FetchFailed
from weaver_like.fetchers.base import FetchLimits
from weaver_like.fetchers.local import LocalFetcher


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An open folder with a file, beside a closed one, with links of every kind."""
    opened, closed = tmp_path / "open", tmp_path / "closed"
    (opened / "below").mkdir(parents=True)
    closed.mkdir()
    (opened / "a b.txt").write_text("fine")
    (opened / "below" / "b.json").write_text("{}")
    (closed / "secret.txt").write_text("sekret")
    (tmp_path / "open-not").mkdir()
    (tmp_path / "open-not" / "x").write_text("sekret")
    (opened / "inner").symlink_to(opened / "a b.txt")
    (opened / "outer").symlink_to(closed / "secret.txt")
    (opened / "door").symlink_to(closed)
    (opened / "relative").symlink_to("../closed/secret.txt")
    (opened / "loop").symlink_to(opened / "loop")
    (opened / "dangling").symlink_to(opened / "nothing")
    os.mkfifo(opened / "pipe")
    return opened


def fetch(root: Path, uri: str, max_bytes: int = 100) -> bytes:
    """Check and fetch, as submission and worker do."""
    fetcher, target = LocalFetcher([root]), root.parent / "target"
    fetcher.check(uri)
    fetcher.fetch(uri, target, FetchLimits(max_bytes, lambda: None))
    return target.read_bytes()


@pytest.mark.parametrize(
    "uri",
    [
        "file://{}/a%20b.txt",
        "file://{}/a b.txt",
        "file://localhost{}/a%20b.txt",
        "file://{}/below/../a%20b.txt",
        "file://{}/./a%20b.txt",
        "file://{}/inner",
        "file://{}/../open/a%20b.txt",
        "FILE://{}/a%20b.txt",
    ],
)
def test_files_below_a_root_are_read(root: Path, uri: str) -> None:
    assert fetch(root, uri.format(root)) == b"fine"


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "file://{}/../closed/secret.txt",
        "file://{}/%2e%2e/closed/secret.txt",
        "file://{}/..%2Fclosed%2Fsecret.txt",
        "file://{}/outer",
        "file://{}/door/secret.txt",
        "file://{}/relative",
        "file://{}-not/x",
        "file://{}/below/../../closed/secret.txt",
        "file://other.host{}/a%20b.txt",
        "file://{}/a%20b.txt%00",
        "file://{}/a%00/../../closed/secret.txt",
        "file://",
        "file:",
        "file:///",
        "file:etc/passwd",
        "file:../etc/passwd",
        "file://~/x",
        "file:///proc/self/environ",
        "file:///dev/zero",
        "file://{}/../open",
        "file://127.0.0.1{}/a%20b.txt",
        "file:////etc/passwd",
        "file://{}/%252e%252e/closed/secret.txt",
        "file://{}",
        "file://{}/",
        "file://{}/below",
        "file://{}/nothing",
        "file://{}/dangling",
        "file://{}/loop",
        "file://{}/loop/x",
        "file://{}/pipe",
        "file://{}/a%20b.txt/x",
        "file://{}/" + "a" * 300,
        "file://{}/" + "a/" * 3000,
        "file://{}/%FF",
    ],
)
def test_everything_else_is_refused_with_a_reason(root: Path, uri: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        fetch(root, uri.format(root))
    assert "sekret" not in caught.value.detail


def test_without_roots_nothing_is_read(root: Path) -> None:
    with pytest.raises(FetchFailed):
        LocalFetcher([]).check(f"file://{root}/inner")


def test_large_files_are_refused(root: Path) -> None:
    with pytest.raises(FetchFailed, match="4 bytes; at most 3"):
        fetch(root, f"file://{root}/inner", max_bytes=3)


def test_a_link_that_is_turned_after_the_check_is_not_followed_outside(root: Path) -> None:
    fetcher, link = LocalFetcher([root]), root / "turned"
    link.symlink_to(root / "a b.txt")
    fetcher.check(f"file://{link}")
    link.unlink()
    link.symlink_to("/etc/passwd")
    with pytest.raises(FetchFailed):
        fetcher.fetch(f"file://{link}", root / "target", FetchLimits(100000, lambda: None))
