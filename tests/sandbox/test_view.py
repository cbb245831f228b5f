"""What a command sees of the machine under bubblewrap, asked by the command itself."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sandbox.packages import Packages, shell
from tests.support.client import Served
from weaver_like.sandbox.commands import BUBBLEWRAP, Command, Confinement, environment_path
from weaver_like.sandbox.launch import bubblewrap_users, launching
from weaver_like.settings import load


def test_the_system_is_read_only_and_tmp_is_private(packages: Packages) -> None:
    marker = Path("/tmp") / f"weaver-like-view-{os.getpid()}"
    marker.write_text("of the machine")
    try:
        script = f"""cat {marker} 2>/dev/null; echo mine > {marker} && cat {marker}; for d in / /usr /etc /bin /var; do
            touch $d/x 2>/dev/null && echo wrote $d; done; true"""
        assert packages.run(shell(script)).text == "mine\n"
        assert marker.read_text() == "of the machine"
    finally:
        marker.unlink()


def test_a_command_writes_nowhere_but_in_its_output_and_tmp_folders(packages: Packages, secret: Path) -> None:
    script = f"""for way in ../x ../../x ../../package/x ../../inputs/x "{secret}" link/x; do
        ln -sfn ../../package link; (echo changed > "$way") 2>/dev/null && echo "wrote $way"; done
        echo kept > here; echo kept > "$TMPDIR/there"; cat here "$TMPDIR/there" """
    assert packages.run(shell(script)).text == "kept\nkept\n"
    assert secret.read_text() == "TOPSECRET"


def test_there_is_no_network_unless_the_tool_asks_for_one(packages: Packages) -> None:
    script = (
        "tail -n +3 /proc/net/dev | grep -v lo: | wc -l; "
        "cat /etc/resolv.conf >/dev/null && getent hosts localhost >/dev/null && echo names"
    )
    assert packages.run(shell(script)).text.splitlines()[0] == "0"
    ran = packages.run(shell(script, requirements={"NetworkAccess": {"networkAccess": True}}))
    own = [line for line in Path("/proc/net/dev").read_text().splitlines()[2:] if "lo:" not in line]
    assert ran.text.splitlines() == [str(len(own)), "names"]


def test_a_server_that_gives_no_network_says_so(make_app: Callable) -> None:
    ran = Packages(make_app("sandbox.network=false")).run(
        shell("true", requirements={"NetworkAccess": {"networkAccess": True}})
    )
    assert "sandbox.network=false" in ran.reason


def test_a_tool_of_an_older_version_has_a_network_without_asking(packages: Packages) -> None:
    """CWL v1.1, NetworkAccess: documents of v1.0 cannot say whether they need one."""
    script = "tail -n +3 /proc/net/dev | grep -v lo: | wc -l"
    own = [line for line in Path("/proc/net/dev").read_text().splitlines()[2:] if "lo:" not in line]
    assert packages.run(shell(script, cwlVersion="v1.0")).text == f"{len(own)}\n"


@pytest.mark.parametrize(
    "members",
    [{"cwlVersion": "v1.0"}, {"hints": {"NetworkAccess": {"networkAccess": True}}}],
    ids=["an older version", "a hint"],
)
def test_a_tool_that_does_not_require_a_network_runs_without_one(make_app: Callable, members: dict) -> None:
    packages = Packages(make_app("sandbox.network=false"))
    assert packages.run(shell("tail -n +3 /proc/net/dev | grep -v lo: | wc -l", **members)).text == "0\n"
    assert "It ran without a network (sandbox.network=false)." in packages.run(shell("exit 6", **members)).reason


def test_there_is_no_capability_and_none_to_be_had(packages: Packages) -> None:
    ran = packages.run(
        shell(
            "grep Cap /proc/self/status | cut -f2 | sort -u; unshare -U true 2>/dev/null && echo namespace; "
            "mount -t tmpfs n /tmp 2>/dev/null; true"
        )
    )
    assert ran.text == "0000000000000000\n"


def test_a_command_sees_only_its_own_processes(packages: Packages) -> None:
    ran = packages.run(shell("cat /proc/[0-9]*/comm | sort -u; kill -9 -1; true"))
    assert set(ran.text.split()) <= {"bwrap", "sh", "cat", "sort"}


def test_neither_environment_nor_arguments_of_process_1_tell_anything(packages: Packages, folder: Path) -> None:
    ran = packages.run(shell("cat /proc/1/environ; tr '\\0' '\\n' < /proc/1/cmdline | head -n 3"))
    assert "=" not in ran.text
    assert str(folder) not in ran.text


def test_the_environment_is_what_cwl_says(packages: Packages) -> None:
    ran = packages.run(shell("env", requirements={"EnvVarRequirement": {"envDef": {"COLOUR": "blue"}}}))
    assert {line.partition("=")[0] for line in ran.text.splitlines()} <= {
        "COLOUR",
        "HOME",
        "PATH",
        "PWD",
        "TMPDIR",
        "SHLVL",
        "_",
        "OLDPWD",
    }
    assert "COLOUR=blue" in ran.text
    own = packages.run(
        shell("echo $PATH", requirements={"EnvVarRequirement": {"envDef": {"PATH": "/usr/bin:/bin:/mine"}}})
    )
    assert own.text == "/usr/bin:/bin:/mine\n"


def test_data_store_and_configuration_are_not_there() -> None:
    """They lie where commands see the system's own folders, as with an installation from a package."""
    place = Path(sys.prefix, f"view-{os.getpid()}")
    place.mkdir()
    try:
        (place / "own.ini").write_text("[app:main]\nweaver_like.server.title = TOPSECRET\n")
        (place / "beside.txt").write_text("seen")
        server = Served(
            place / "data",
            f"store.url=sqlite:///{place}/store.sqlite",
            f"files.outputs_dir={place}/results",
            "sandbox.kind=bubblewrap",
        )
        server.arguments = ["--config", str(place / "own.ini")]
        server.start()
        command = shell(
            f"cat {place}/beside.txt; cat {place}/own.ini {place}/store.sqlite* | wc -c; "
            f"ls -A {place}/results; ls -A {place}/data"
        )
        status, document, _ = server.get(
            "/processes?id=view", "POST", command, {"Content-Type": "application/cwl+json"}
        )
        assert status == 201, document
        status, text, _ = server.get(
            "/processes/view/execution",
            "POST",
            {"inputs": {}, "response": "raw", "outputs": {"out": {"transmissionMode": "value"}}},
        )
        assert status == 200, text
        assert text.decode().split() == ["seen0", "cache", "work"], text
    finally:
        server.stop(signal.SIGKILL)
        shutil.rmtree(place)


def test_the_configuration_file_is_hidden_with_what_else_the_operator_hides(tmp_path: Path) -> None:
    ini = tmp_path / "own.ini"
    ini.write_text("[app:main]\nweaver_like.sandbox.hidden = /opt/ours\n")
    assert load(ini).sandbox.hidden == f"/opt/ours:{ini}"


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_it_confines_the_commands_of_root_and_of_anybody(user: str, tmp_path: Path) -> None:
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("only root can be two users")
    account = pwd.getpwnam(user)
    root = "" if user == "root" else "/"  # the interpreter of this run may be in a folder of root alone
    work = Path(f"/var/tmp/view-{user}-{os.getpid()}")
    work.mkdir()
    os.chown(work, account.pw_uid, account.pw_gid)
    script = (
        "touch made && ls -A /tmp; cat /etc/shadow; grep CapEff /proc/self/status; "
        "touch /usr/x /etc/x; ls /proc | grep -c '^[0-9]'"
    )
    confinement = Confinement(BUBBLEWRAP, ("/etc/shadow",), user=bubblewrap_users()[0])
    try:
        with launching(
            Command(["sh", "-c", script], str(work), {"PATH": environment_path()}, (), (str(work),), root=root),
            confinement,
        ) as launch:
            argv = [
                "setpriv",
                "--reuid",
                str(account.pw_uid),
                "--regid",
                str(account.pw_gid),
                "--clear-groups",
                *launch.argv,
            ]
            found = subprocess.run(argv, env={}, pass_fds=launch.descriptors, capture_output=True, text=True)
        assert (work / "made").stat().st_uid == account.pw_uid
        assert "CapEff:\t0000000000000000" in found.stdout, found
        assert "root:*" not in found.stdout
        assert int(found.stdout.split()[-1]) <= 5
    finally:
        shutil.rmtree(work)
