"""Commands in containers, by real engines of the run's own: dockerd, and podman with runc."""

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from webtest import TestApp

from tests.sandbox.packages import LOOK_INTO, SEEN, Packages, entries, literal, shell, steps, zipped
from tests.support.applications import make_service
from tests.support.client import finished
from tests.support.packages import application_package, deploy
from tests.support.waiting import wait_until
from tests.support.workflows import sh
from weaver_like.engines.base import ClosePolicy

IMAGE = "localhost/tiny:1"
APPLETS = (
    "sh",
    "cat",
    "echo",
    "env",
    "id",
    "ls",
    "sleep",
    "touch",
    "head",
    "wc",
    "ps",
    "seq",
    "true",
    "mkdir",
    "grep",
    "ln",
    "dd",
    "tail",
    "basename",
    "chmod",
    "cp",
    "cut",
    "find",
    "realpath",
    "sort",
    "stat",
    "tar",
    "tr",
)
#: What podman needs where its default runtime may not raise limits of its own.
PODMAN_CONF = """[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
"""


def image_of(busybox: str) -> bytes:
    """A root with one program under many names, as a tar archive."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name in ("bin", "tmp", "etc"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        tar.add(busybox, "bin/busybox")
        for name in APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return archive.getvalue()


def docker_environment(folder: Path) -> tuple[dict[str, str], subprocess.Popen]:
    socket = f"unix://{folder}/d.sock"
    command = [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "dockerd",
        "--data-root",
        f"{folder}/data",
        "--exec-root",
        f"{folder}/exec",
        "-H",
        socket,
        "--pidfile",
        f"{folder}/pid",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    return {"DOCKER_HOST": socket}, process


def podman_environment(folder: Path) -> dict[str, str]:
    (folder / "containers.conf").write_text(PODMAN_CONF)
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    )
    return {"CONTAINERS_CONF": f"{folder}/containers.conf", "CONTAINERS_STORAGE_CONF": f"{folder}/storage.conf"}


@pytest.fixture(scope="module", params=["docker", pytest.param("podman", marks=pytest.mark.heavy)])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of an engine that has the image; its client finds it by the environment."""
    name, folder = request.param, tmp_path_factory.mktemp(request.param)
    needed = ("dockerd", "docker") if name == "docker" else ("podman", "runc")
    missing = [program for program in (*needed, "busybox", "setpriv") if shutil.which(program) is None]
    if missing or os.geteuid():
        wanted = ", ".join(missing) or name
        pytest.skip(f"no {name} here: root and {wanted} are needed (docker.io, podman, runc, busybox-static)")
    environment, daemon = docker_environment(folder) if name == "docker" else (podman_environment(folder), None)
    before = dict(os.environ)
    os.environ.update(environment)
    try:

        def answers() -> bool:
            assert daemon is None or daemon.poll() is None, (folder / "log").read_text()[-2000:]
            return subprocess.run([name, "info"], capture_output=True).returncode == 0

        try:
            wait_until(answers, 40, f"{name} to answer")
        except AssertionError as error:
            pytest.skip(f"{name} does not start here: {str(error)[-500:]}")
        subprocess.run(
            [name, "import", "-", IMAGE], input=image_of(shutil.which("busybox")), check=True, capture_output=True
        )
        yield name
    finally:
        os.environ.clear()
        os.environ.update(before)
        if daemon is not None:
            daemon.terminate()
            daemon.wait(30)
        subprocess.run(
            f"grep {folder} /proc/mounts | cut -d' ' -f2 | sort -r | xargs -r umount -l", shell=True, check=False
        )


@pytest.fixture(scope="module")
def contained(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packages]:
    """A service that runs every command in a container."""
    folder = tmp_path_factory.mktemp("contained")
    service = make_service(
        folder,
        f"sandbox.kind={engine}",
        f"sandbox.image={IMAGE}",
        "sandbox.pull=false",
        "sandbox.processes=40",
        "jobs.cancel_grace_s=0.2",
        "jobs.memory_limit_bytes=600000000",
    )
    yield Packages(TestApp(service.wsgi, extra_environ={"HTTP_HOST": "localhost"}))
    service.stop(ClosePolicy.KILL)


def running(engine: str) -> list[str]:
    return subprocess.run(
        [engine, "ps", "-a", "-q", "--filter", "label=weaver_like.attempt"], capture_output=True, text=True, check=True
    ).stdout.split()


def test_a_command_runs_in_a_container_with_nothing_but_its_folders(contained: Packages, engine: str) -> None:
    ran = contained.run(
        shell(
            "ls /; touch /x /bin/x 2>/dev/null && echo wrote; "
            "grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; "
            "tail -n +3 /proc/net/dev | grep -v lo: | wc -l; touch here $TMPDIR/there && ls $TMPDIR"
        )
    )
    assert ran.status == "successful", ran
    lines = ran.text.split()
    assert "home" not in lines
    assert "wrote" not in lines
    assert "0000000000000000" in lines
    assert lines[lines.index("NoNewPrivs:") + 1 :] == ["1", "0", "there"]
    assert not running(engine)


def test_files_go_in_and_out_under_the_folder_that_the_image_wants(contained: Packages) -> None:
    outputs = {"out": {"type": "File", "outputBinding": {"glob": "copy"}}}
    tool = shell(
        "pwd; cat $0 > copy",
        outputs,
        inputs={"f": {"type": "File", "inputBinding": {"position": 1}}},
        requirements={"DockerRequirement": {"dockerPull": IMAGE, "dockerOutputDirectory": "/produced"}},
    )
    answer = contained.run(tool, {"f": {"value": "SGVsbG8=", "mediaType": "application/octet-stream"}})
    assert (answer.status, answer.text) == ("successful", "Hello"), answer


def test_a_container_has_regular_files_and_changes_no_original(contained: Packages) -> None:
    """Of its inputs, and of what is in its output folder: a file, and a folder that was made of a list."""
    inputs = {"d": {"type": "Directory", "inputBinding": {}}, "f": "File", "large": "File"}
    made = "$({class: 'Directory', basename: 'made', listing: [inputs.f]})"
    first = sh(
        f"""({LOOK_INTO}) > seen; cat made/f.txt large.txt >/dev/null || exit 1
        ls -l made large.txt | grep ^l && exit 1
        for t in "$0/a.txt" made/f.txt large.txt; do
            chmod 666 $t; echo changed >> $t; done; true""",
        inputs=inputs,
        outputs={"out": {"type": "File", "outputBinding": {"glob": "seen"}}},
        requirements=entries(made, "$(inputs.large)"),
    )
    look = sh(
        'cat "$0" "$1/a.txt" "$2"; cat "$3" | wc -c',
        inputs={
            name: {"type": kind, "inputBinding": {"position": number}}
            for number, (name, kind) in enumerate(
                {"seen": "File", "d": "Directory", "f": "File", "large": "File"}.items()
            )
        },
    )
    wanted = {"d": "Directory", "f": "File", "large": "File"}
    ran = contained.run(
        steps(first, look, wanted, seen="first/out", **{name: name for name in wanted}),
        {
            "d": zipped(a="one", sub__b="two"),
            "f": literal("f.txt", "original"),
            "large": literal("large.txt", "x" * 1_500_000),
        },
    )
    assert ran.text == f"{SEEN}oneoriginal1500000\n", ran


def test_an_image_as_execution_unit_runs_its_own_entry_point(contained: Packages, engine: str) -> None:
    """/req/docker/execution-unit, /req/docker/schema: a type and an image are enough"""
    entry = 'ENTRYPOINT ["sh", "-c", "echo I got: $* > said", "entry"]'
    subprocess.run(
        [engine, "import", "--change", entry, "-", "localhost/entry:1"],
        input=image_of(shutil.which("busybox")),
        check=True,
        capture_output=True,
    )
    app = contained.app
    package = application_package("entry", {"type": "docker", "image": "localhost/entry:1"})
    deploy(
        app,
        package | {"deploymentProfile": "http://www.opengis.net/profiles/eoc/dockerizedApplication"},
        "application/ogcapppkg+json",
        status=201,
    )
    assert app.post_json("/processes/entry/execution", {"inputs": {"text": "hi"}, "response": "document"}).json == {
        "said": "I got: --text hi"
    }
    deploy(
        app,
        application_package("plain", {"type": "oci", "image": "localhost/entry:1"}, inputs={}),
        "application/ogcapppkg+json",
        status=201,
    )
    assert app.post_json("/processes/plain/execution", {"inputs": {}, "response": "document"}).json == {
        "said": "I got:"
    }
    assert (
        "http://www.opengis.net/spec/ogcapi-processes-2/1.0/conf/docker" in app.get("/conformance").json["conformsTo"]
    )


def test_the_end_of_a_command_is_told(contained: Packages) -> None:
    assert "ended with exit code 7" in contained.run(shell("echo why >&2; exit 7")).reason


def test_an_image_that_is_not_there_is_the_reason(contained: Packages) -> None:
    ran = contained.run(shell("true", requirements={"DockerRequirement": {"dockerPull": "localhost/nobody/has:1"}}))
    assert "'localhost/nobody/has:1' is not present, and images are not pulled" in ran.reason


def test_processes_and_memory_are_limited(contained: Packages, engine: str) -> None:
    ran = contained.run(shell("for i in $(seq 100); do sleep 1000 & done; wait"))
    assert ran.status == "failed"
    assert "fork" in ran.reason
    ran = contained.run(shell("dd if=/dev/zero of=/dev/null bs=900000000 count=2"))
    assert ran.status == "failed"
    assert (
        "bytes of memory" in ran.reason
        or "killed" in ran.reason
        or "memory exhausted" in ran.reason
        or "out of memory" in ran.reason
    ), ran.reason
    assert not running(engine)


def test_a_dismissed_job_leaves_no_container(contained: Packages, engine: str) -> None:
    job = contained.start(shell("trap '' TERM; while true; do sleep 1; done"))
    wait_until(lambda: running(engine), 30, "the container")
    contained.app.delete(f"/jobs/{job}")
    assert finished(contained.app, job)["status"] == "dismissed"
    assert wait_until(lambda: not running(engine), 20, "the end of the container")


def test_a_time_limit_leaves_no_container(contained: Packages, engine: str) -> None:
    ran = contained.run(shell("while true; do sleep 1; done", requirements={"ToolTimeLimit": {"timelimit": 3}}))
    assert "ran longer than its 3 s" in ran.reason
    assert not running(engine)


def test_containers_of_a_killed_server_are_swept_at_the_next_start(engine: str, serve: Callable) -> None:
    server = serve(f"sandbox.kind={engine}", f"sandbox.image={IMAGE}", "jobs.max_attempts=1")
    server.get(
        "/processes?id=long", "POST", shell("while true; do sleep 1; done"), {"Content-Type": "application/cwl+json"}
    )
    server.submit("long")
    wait_until(lambda: running(engine), 30, "the container")
    server.stop(9)
    server.start()
    assert wait_until(lambda: not running(engine), 20, "the end of the container")


def test_a_required_image_runs_in_the_engine_beside_bubblewrap(engine: str, make_app: Callable) -> None:
    packages = Packages(make_app(f"sandbox.containers={engine}"))
    own = shell("ls /", requirements={"DockerRequirement": {"dockerPull": IMAGE}})
    assert "home" not in packages.run(own).text
    assert "usr" in packages.run(shell("ls /")).text


def test_a_hinted_image_runs_in_the_engine_if_it_can_be_had_and_is_done_without_otherwise(
    engine: str, make_app: Callable
) -> None:
    packages = Packages(make_app(f"sandbox.containers={engine}", "sandbox.pull=false"))
    assert "home" not in packages.run(shell("ls /", hints={"DockerRequirement": {"dockerPull": IMAGE}})).text
    assert (
        packages.run(shell("echo without", hints={"DockerRequirement": {"dockerPull": "localhost/nobody/has:1"}})).text
        == "without\n"
    )


def test_without_an_engine_a_required_image_is_refused_and_a_hint_is_not(make_app: Callable, tmp_path: Path) -> None:
    before = os.environ.get("DOCKER_HOST")
    os.environ["DOCKER_HOST"] = f"unix://{tmp_path}/nobody.sock"
    try:
        packages = Packages(make_app("sandbox.containers=docker"))
        wanted = {"DockerRequirement": {"dockerPull": "nobody/has:1"}}
        packages.deploy(shell("true", requirements=wanted), status=400)
        assert "no container engine answers here" in packages.last.json["detail"]
        assert packages.run(shell("echo without", hints=wanted)).text == "without\n"
    finally:
        os.environ.pop("DOCKER_HOST")
        os.environ.update({"DOCKER_HOST": before} if before else {})


def test_a_folder_stands_for_an_image(make_app: Callable, tmp_path: Path) -> None:
    """A root (with usr/), and an environment (with bin/)."""
    root, environment = tmp_path / "root", tmp_path / "env"
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox-static is wanted")
    (root / "usr" / "bin").mkdir(parents=True)
    (root / "bin").symlink_to("usr/bin")
    shutil.copy(busybox, root / "usr" / "bin" / "busybox")
    for name in APPLETS:
        (root / "usr" / "bin" / name).symlink_to("busybox")
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "mine").write_text("#!/bin/sh\necho from the environment\n")
    (environment / "bin" / "mine").chmod(0o755)
    packages = Packages(
        make_app("sandbox.kind=bubblewrap", f"sandbox.images=some/root:1={root}, some/env:1={environment}")
    )
    inside = packages.run(
        shell(
            "ls /usr/bin; ls /etc 2>/dev/null | wc -l; touch /usr/bin/x 2>/dev/null && echo wrote",
            requirements={"DockerRequirement": {"dockerPull": "some/root:1"}},
            successCodes=[1],
        )
    )
    assert sorted(inside.text.split()) == sorted([*APPLETS, "busybox", "0"]), inside
    assert (
        packages.run(shell("mine", requirements={"DockerRequirement": {"dockerPull": "some/env:1"}})).text
        == "from the environment\n"
    )
