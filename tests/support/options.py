"""What `pytest` is asked with, and markers."""

from collections.abc import Iterator

import pytest

from tests.support import systems

#: Fixtures of a module that start servers or deploy. The tests of a file that use one stay on one worker of a run, so
#: that it is made once.
SHARED = {
    *("packages", "contained", "queue", "modes", "server", "listed", "make_app_once", "on_s3_once", "served_once"),
    *("kinds_app", "worse_app", "image", "tool", "of_a_folder", "deployed", "shows"),
}

#: Folders of tests that wait for deaths, restarts and leases.
WAITING = {"recovery", "deploy"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--system",
        default="sqlite-embedded",
        choices=list(systems.SYSTEMS),
        help="store and engine of every service that a test starts",
    )
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failure")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "heavy: the same as another test on one more system; not selected by `make test`"
    )
    config.addinivalue_line(
        "markers", "only(*systems): about a part that only these systems have; not selected on others"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = config.getoption("--system")
    other = [item for item in items if any(chosen not in mark.args for mark in item.iter_markers("only"))]
    if other:
        config.hook.pytest_deselected(items=other)
        items[:] = [item for item in items if item not in other]
    for item in items:
        grouped = item.get_closest_marker("xdist_group") is not None
        if isinstance(item, pytest.Function) and not grouped and SHARED.intersection(item.fixturenames):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
    if hasattr(config, "workerinput"):  # several workers share the run
        items[:] = _spread(items)


def _spread(items: list[pytest.Item]) -> list[pytest.Item]:
    """Tests that mostly wait, evenly among those that compute: together they would leave the processors idle."""
    waiting = [item for item in items if WAITING.intersection(item.path.parts)]
    computing = [item for item in items if not WAITING.intersection(item.path.parts)]
    places = [(number / len(part), item) for part in (computing, waiting) for number, item in enumerate(part)]
    return [item for _, item in sorted(places, key=lambda place: place[0])]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = (yield).get_result()
    if report.skipped and item.config.getoption("--no-skips") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
