"""The end of the child-maker that reads packages harms nobody else."""

import psutil

from tests.sandbox.packages import Packages, shell
from tests.support.client import finished, submit
from tests.support.waiting import wait_until


def children_called(name: str) -> list[psutil.Process]:
    """Processes below this one whose name begins so; those that end meanwhile do not count."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if child.name().startswith(name):
                found.append(child)
        except psutil.NoSuchProcess:  # a zombie too
            continue
    return found


def test_workers_and_jobs_outlive_the_reader_of_packages(packages: Packages) -> None:
    packages.deploy(shell("true"))
    job = submit(packages.app, "sleep", {"delay": 2})
    zygotes = children_called("wl-reader")
    assert zygotes
    for zygote in zygotes:
        zygote.kill()
    wait_until(lambda: not any(zygote.is_running() for zygote in zygotes), 10, "their end")
    assert packages.run(shell("echo still")).text == "still\n"
    assert finished(packages.app, job)["status"] == "successful"
    assert "was lost" not in packages.ended(job).log


def test_zygotes_have_one_thread(packages: Packages) -> None:
    """A child that is forked while another thread holds a lock waits for it forever.

    Python 3.12 and later warn of it.
    """
    packages.run(shell("true"))
    zygotes = [*children_called("wl-zygote"), *children_called("wl-nursery")]
    assert {zygote.num_threads() for zygote in zygotes} == {1}
