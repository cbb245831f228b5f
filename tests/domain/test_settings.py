"""Settings: read from everywhere, checked, and written into the reference."""

from pathlib import Path

import pytest

from docs.write_settings import ROOT, render_ini, render_rst
from weaver_like.domain.errors import SettingError
from weaver_like.settings import declared, dump, load


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("server.port", "Expected section.name=value, got 'server.port'."),
        ("server.prot=1", "Unknown setting 'server.prot'. `weaver-like settings` lists all settings."),
        ("server.port=x", "Setting 'server.port': expected a whole number, got 'x'."),
        ("jobs.keep_days=long", "Setting 'jobs.keep_days': expected a number, got 'long'."),
        ("jobs.keep_days=nan", "Setting 'jobs.keep_days': expected at least 0, got nan."),
        ("jobs.keep_days=inf", "Setting 'jobs.keep_days': expected less than 9007199254740992, got inf."),
        ("server.threads=3", "Setting 'server.threads': expected at least 4, got 3."),
        ("server.port=-1", "Setting 'server.port': expected at least 0, got -1."),
        ("security.open=perhaps", "Setting 'security.open': expected true or false, got 'perhaps'."),
        ("server.page_size=0", "Setting 'server.page_size': expected at least 1, got 0."),
        ("engine.kind=steam", "Setting 'engine.kind': expected one of embedded, celery, got 'steam'."),
        (
            "sandbox.kind=glass",
            "Setting 'sandbox.kind': expected one of bubblewrap, docker, podman, none, got 'glass'.",
        ),
    ],
)
def test_a_bad_setting_is_named(override: str, message: str) -> None:
    with pytest.raises(SettingError) as raised:
        load(overrides=[override])
    assert raised.value.detail == message


def test_a_variable_that_is_not_a_setting_is_named() -> None:
    with pytest.raises(SettingError, match="WEAVER_LIKE_SERVER_PROT is not a setting"):
        load(environment={"WEAVER_LIKE_SERVER_PROT": "1", "PATH": "/bin"})


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=rf"Cannot read the configuration file {tmp_path}/none\.ini"):
        load(tmp_path / "none.ini")


@pytest.mark.parametrize("folders", ["usr", "=/usr", "busybox=/no/such/folder"])
def test_an_image_without_its_folder_is_refused(folders: str) -> None:
    with pytest.raises(SettingError, match=r"'sandbox\.images': expected image=folder"):
        _ = load(overrides=[f"sandbox.images={folders}"]).images


@pytest.mark.parametrize(
    "origin", ["null", "maps.example", "https://maps.example/page", "https://*.example", "file://"]
)
def test_what_is_no_origin_is_refused(origin: str) -> None:
    """`null` would be every sandboxed page, also HTML that a job made."""
    with pytest.raises(SettingError, match=r"'security\.cors_origins': expected scheme://host\[:port\] or \*, got"):
        _ = load(overrides=[f"security.cors_origins=https://a.example {origin}"]).cors_origins


def test_later_sources_win(tmp_path: Path) -> None:
    """Defaults, ini file, pairs, environment, command line."""
    ini = tmp_path / "some.ini"
    ini.write_text(
        "[app:main]\nweaver_like.server.port = 1\nweaver_like.server.title = file\nweaver_like.log.level = DEBUG\n"
        "weaver_like.jobs.max_attempts = 7\n[other]\nsomebody.else = 5\n"
    )
    read = load(
        ini,
        {"WEAVER_LIKE_SERVER_PORT": "3", "WEAVER_LIKE_LOG_LEVEL": "ERROR", "HOME": "/"},
        ["server.port=4"],
        {"weaver_like.server.port": "2", "weaver_like.jobs.max_attempts": "8", "other": "x"},
    )
    assert (read.server.port, read.log.level, read.jobs.max_attempts, read.server.title) == (4, "ERROR", 8, "file")
    assert read.sandbox.hidden == str(ini)  # it may hold passwords


def test_what_is_dumped_is_read_back() -> None:
    given = load(overrides=["security.open=true", "jobs.keep_days=0.5", "files.data_dir=/somewhere", "server.port=0"])
    assert load(overrides=[f"{name}={text}" for name, text in dump(given).items()]) == given
    assert load(pairs={f"weaver_like.{name}": text for name, text in dump(given).items()}) == given


def test_the_reference_is_up_to_date() -> None:
    """`make docs` writes both."""
    assert (ROOT / "config" / "weaver_like.ini").read_text("utf-8") == render_ini()
    assert (ROOT / "docs" / "settings.rst").read_text("utf-8") == render_rst()


def test_every_setting_is_described_in_sentences() -> None:
    for name, entry in declared():
        assert entry.metadata["doc"].endswith((".", ").")), name
