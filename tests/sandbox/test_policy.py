"""What the settings allow commands, decided without starting any."""

import json
import os
import sys
from pathlib import Path

import pytest

from weaver_like.domain.errors import SettingError
from weaver_like.runners.cwl.options import CwlOptions, ExternalEngine
from weaver_like.sandbox.commands import BUBBLEWRAP, DOCKER, NONE, PODMAN
from weaver_like.sandbox.policy import (
    choose_containers,
    choose_kind,
    confine,
    decide,
    find_engine,
    own_places,
    secrets,
    warn,
)
from weaver_like.settings import Settings, load

TROUBLE = "no user namespaces"


def made(folder: Path, *overrides: str) -> Settings:
    return load(overrides=[f"files.data_dir={folder / 'data'}", *overrides])


@pytest.mark.parametrize(
    ("asked", "trouble", "kind"),
    [
        ("", "", BUBBLEWRAP),
        ("", TROUBLE, NONE),
        (BUBBLEWRAP, "", BUBBLEWRAP),
        (NONE, "", NONE),
        (NONE, TROUBLE, NONE),
        (DOCKER, TROUBLE, DOCKER),
        (PODMAN, "", PODMAN),
    ],
)
def test_bubblewrap_is_used_wherever_it_runs(asked: str, trouble: str, kind: str) -> None:
    assert choose_kind(asked, trouble) == kind


def test_bubblewrap_that_is_asked_for_and_does_not_run_stops_the_start() -> None:
    with pytest.raises(SettingError, match=f"asks for bubblewrap, which does not run here: {TROUBLE}"):
        choose_kind(BUBBLEWRAP, TROUBLE)


@pytest.mark.parametrize(
    ("settings", "kind", "trouble", "said"),
    [
        ([], BUBBLEWRAP, "", ""),
        (["sandbox.kind=none"], NONE, "", "the setting says so"),
        ([], NONE, TROUBLE, f"bubblewrap does not run here: {TROUBLE}"),
        (["sandbox.kind=docker"], DOCKER, "", "sandbox.image is empty"),
        (["sandbox.kind=podman", "sandbox.image=debian"], PODMAN, "", ""),
    ],
)
def test_the_operator_is_warned_of_what_is_open_or_cannot_run(
    tmp_path: Path, settings: list[str], kind: str, trouble: str, said: str
) -> None:
    warning = warn(made(tmp_path, *settings), kind, trouble)
    assert said in warning
    assert bool(warning) == bool(said)


def test_own_places_are_hidden_wherever_they_are(tmp_path: Path) -> None:
    places = {
        "plugins.folders": f"{tmp_path}/plugins:{tmp_path}/more",
        "files.outputs_dir": f"{tmp_path}/results",
        "store.url": f"sqlite:///{tmp_path}/jobs.db",
    }
    settings = made(tmp_path, *(f"{name}={value}" for name, value in places.items()))
    names = ("data", "plugins", "more", "results", "jobs.db", "jobs.db-wal", "jobs.db-shm", "jobs.db-journal")
    assert set(own_places(settings)) == {str(tmp_path / name) for name in names}


def test_what_lies_elsewhere_is_no_place_here(tmp_path: Path) -> None:
    settings = made(tmp_path, "files.outputs_dir=s3://bucket/results", "store.url=mongodb://localhost/jobs")
    assert set(own_places(settings)) == {str(tmp_path / "data"), str(tmp_path / "data" / "plugins")}


def test_the_settings_hide_and_show_more(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    settings = made(
        tmp_path,
        f"sandbox.hidden={tmp_path}/a:{tmp_path}/b",
        f"sandbox.visible={tmp_path}/c",
        f"sandbox.images=some/image:1={tmp_path}/image",
        "sandbox.network=false",
    )
    allowed = confine(settings, BUBBLEWRAP, ("--unshare-user-try",))
    assert {str(tmp_path / "a"), str(tmp_path / "b"), str(tmp_path / "data")} <= set(allowed.hidden)
    assert allowed.visible == (str(tmp_path / "c"),)
    assert allowed.images == {"some/image:1": str(tmp_path / "image")}
    assert (allowed.kind, allowed.user, allowed.network) == (BUBBLEWRAP, ("--unshare-user-try",), False)


def test_secrets_are_what_others_may_not_read_and_credentials_of_the_user(tmp_path: Path) -> None:
    system, home = tmp_path / "etc", tmp_path / "home"
    for path in (system / "ours" / "key", system / "open", system / "closed" / "inner", home / ".ssh" / "id"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (system / "link").symlink_to(system / "ours" / "key")
    for path, mode in ((system / "ours" / "key", 0o600), (system / "open", 0o644), (system / "closed", 0o700)):
        path.chmod(mode)
    found = secrets(str(system), home)
    assert sorted(found) == sorted(map(str, (system / "closed", system / "ours" / "key", home / ".ssh")))


def test_the_client_of_an_engine_gets_what_it_needs_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere.sock")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    found = choose_containers(made(tmp_path, "sandbox.containers=podman", "sandbox.image=debian", "sandbox.pull=false"))
    assert (found.kind, found.image, found.pull) == (PODMAN, "debian", False)
    assert found.environment["DOCKER_HOST"] == "unix:///somewhere.sock"
    assert "AWS_SECRET_ACCESS_KEY" not in found.environment


def test_an_engine_for_all_commands_must_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingError, match="asks for docker, whose client is not installed here"):
        choose_containers(made(tmp_path, "sandbox.kind=docker"))


def test_another_engine_is_called_by_its_whole_path(monkeypatch: pytest.MonkeyPatch) -> None:
    folder, name = os.path.split(sys.executable)
    monkeypatch.setenv("PATH", folder)
    assert find_engine(f"{name} -m 'a b'") == (sys.executable, "-m", "a b")
    assert find_engine("") == ()
    with pytest.raises(SettingError, match="names the command 'no-such-engine', which was not found"):
        find_engine("no-such-engine --fast")


def test_nothing_is_confined_where_the_setting_says_so(tmp_path: Path) -> None:
    policy = decide(made(tmp_path, "sandbox.kind=none"))
    assert policy.confinement.kind == NONE
    assert "sandbox.kind=none" in policy.warning


def test_what_is_decided_reaches_the_child_as_it_is(tmp_path: Path) -> None:
    policy = decide(made(tmp_path, "sandbox.kind=none", "sandbox.hidden=/a:/b", "sandbox.image=debian"))
    engine = ExternalEngine(("/usr/bin/engine", "--fast"), frozenset({"far", "away"}))
    options = CwlOptions(policy.confinement, policy.containers, engine, parallel=3, cores=1.5)
    assert CwlOptions.parse(json.loads(json.dumps(options.render()))) == options


@pytest.mark.parametrize(
    ("command", "processes", "runs"),
    [((), {"*"}, False), (("engine",), {"*"}, True), (("engine",), {"mine"}, True), (("engine",), {"other"}, False)],
)
def test_another_engine_runs_what_it_was_given(command: tuple[str, ...], processes: set[str], runs: bool) -> None:
    assert ExternalEngine(command, frozenset(processes)).runs("mine") is runs
