"""The catalog: sources are read independently; one that fails or hangs keeps what it offered, and delays no other."""

import logging
import threading
import time
from collections.abc import Hashable, Iterator
from dataclasses import replace

import pytest

from tests.support.waiting import wait_until
from weaver_like.domain.errors import NoSuchProcess, ServerBusy
from weaver_like.domain.execution import Execution
from weaver_like.domain.process import ExecutionUnit, Plugin, Process
from weaver_like.processes.catalog import Catalog
from weaver_like.sources.base import Source


def plugin(name: str, version: str = "1") -> Plugin:
    """A plugin with one process of the same name."""
    return Plugin(name, (Process(name, version, ExecutionUnit("python", {})),))


class MemorySource(Source):
    """Offers what the test says, when the test lets it."""

    def __init__(self, name: str, *plugins: Plugin, deadline_s: float = 60):
        self.name = name
        self.deadline_s = deadline_s
        self.offered = plugins
        self.collected = 0
        self.failure: Exception | None = None
        self.free = {step: threading.Event() for step in ("signature", "collect", "end")}
        for step in self.free.values():
            step.set()

    def signature(self) -> Hashable:
        self.free["signature"].wait()
        return tuple(self._processes())

    def is_current(self, process: Process) -> bool:
        return any(known is process for known in self._processes().values())

    def collect(self) -> Iterator[Plugin]:
        self.collected += 1
        self.free["collect"].wait()
        yield from self.offered
        self.free["end"].wait()
        if self.failure:
            raise self.failure

    def change(self, *plugins: Plugin) -> None:
        self.offered = plugins

    def _processes(self) -> dict[tuple[str, str], Process]:
        return {(one.id, one.version): one for plugin in self.offered for one in plugin.processes}


@pytest.fixture
def source() -> Iterator[MemorySource]:
    """One that the test makes hang; it goes on afterwards, so that no thread stays."""
    made = MemorySource("odd", plugin("odd"), deadline_s=1)
    yield made
    for step in made.free.values():
        step.set()


def versions(catalog: Catalog) -> dict[str, str]:
    return {name: entry.process.version for name, entry in catalog.snapshot().entries.items()}


def trouble(catalog: Catalog) -> list[str | None]:
    return [listed.error for listed in catalog.snapshot().plugins if listed.name == "odd" and listed.error]


HANGS = pytest.mark.parametrize("step", ["signature", "collect", "end"])
PATIENCE = pytest.mark.parametrize("patience_s", [1, None], ids=["a request", "a worker"])


@HANGS
@PATIENCE
def test_a_source_that_hangs_keeps_its_offer_and_delays_no_other(
    source: MemorySource, step: str, patience_s: float | None
) -> None:
    steady = MemorySource("steady", plugin("steady"))
    catalog = Catalog([source, steady], patience_s)
    assert versions(catalog) == {"odd": "1", "steady": "1"}
    source.free[step].clear()
    source.change(plugin("odd", "2"))
    catalog.look_again()  # as long as its patience
    for number in range(2, 6):
        steady.change(plugin("steady", str(number)), plugin(f"new-{number}"))
        began = time.monotonic()
        assert catalog.get("steady").process.version == str(number)
        assert catalog.get(f"new-{number}").process.version == "1"
        assert time.monotonic() - began < 0.8
    wait_until(lambda: trouble(catalog), what="the trouble of the source")
    began = time.monotonic()
    assert catalog.get("odd").process.version == "1"
    with pytest.raises(NoSuchProcess):
        catalog.get("none")
    assert versions(catalog)["odd"] == "1"
    assert time.monotonic() - began < 0.8  # it is not waited for any more


@HANGS
def test_a_source_that_hung_recovers(source: MemorySource, step: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    catalog = Catalog([source], 0.1)
    catalog.snapshot()
    source.free[step].clear()
    source.change(plugin("odd", "2"))
    catalog.look_again()
    wait_until(lambda: trouble(catalog), what="the trouble of the source")
    assert trouble(catalog) == ["No answer for 1 s. What was on offer before stays on offer."]
    source.free[step].set()
    wait_until(lambda: versions(catalog) == {"odd": "2"}, what="the new offer")
    assert trouble(catalog) == []
    said = [record.message for record in caplog.records if record.name == "weaver_like.processes.reader"]
    assert said[-2:] == [
        "source odd: No answer for 1 s. What was on offer before stays on offer.",
        "source odd: it can be read again",
    ]


def test_a_source_that_fails_keeps_its_offer_until_it_recovers(
    source: MemorySource, caplog: pytest.LogCaptureFixture
) -> None:
    steady = MemorySource("steady", plugin("steady"))
    catalog = Catalog([source, steady])
    catalog.snapshot()
    source.failure = OSError("the disk is full")
    source.change(plugin("odd", "2"))
    steady.change(plugin("steady", "2"))
    for _ in range(3):
        catalog.look_again()
    assert versions(catalog) == {"odd": "1", "steady": "2"}
    assert trouble(catalog) == ["The source cannot be read; the log says why. What was on offer before stays on offer."]
    assert caplog.text.count("the disk is full") == 1  # however often it was tried
    source.failure = None
    catalog.look_again()
    assert versions(catalog) == {"odd": "2", "steady": "2"}
    assert trouble(catalog) == []


def test_a_source_that_cannot_be_asked_hurts_no_other(source: MemorySource) -> None:
    class Broken(MemorySource):
        def signature(self) -> Hashable:
            raise RuntimeError("no signature")

    catalog = Catalog([Broken("odd"), MemorySource("steady", plugin("steady"))])
    assert catalog.get("steady").process.id == "steady"
    with pytest.raises(NoSuchProcess):
        catalog.get("other")
    assert trouble(catalog)


def test_the_first_reading_offers_every_plugin_as_soon_as_it_is_known(source: MemorySource) -> None:
    """A source that is never read to its end makes only those processes wait that may still come from it."""
    source.free["end"].clear()
    catalog = Catalog([source, MemorySource("steady", plugin("steady"))], 0.1)
    assert catalog.get("odd").process.version == "1"
    assert catalog.get("steady").process.version == "1"
    assert versions(catalog) == {"odd": "1", "steady": "1"}


def test_a_process_that_may_still_come_is_no_missing_one() -> None:
    slow = MemorySource("slow", plugin("slow"))
    slow.free["collect"].clear()
    catalog = Catalog([slow], 0.1)
    catalog.snapshot()
    threading.Timer(0.3, slow.free["collect"].set).start()
    assert catalog.get("slow").process.version == "1"  # a first reading is waited for longer than later ones
    unread = MemorySource("unread")
    unread.free["collect"].clear()
    catalog = Catalog([unread], 0.1)
    with pytest.raises(ServerBusy) as raised:
        catalog.get("other")
    assert raised.value.retry_after_s == 5
    unread.free["collect"].set()
    wait_until(lambda: _is_missing(catalog, "other"), what="the end of the first reading")


def _is_missing(catalog: Catalog, process_id: str) -> bool:
    try:
        catalog.get(process_id)
    except NoSuchProcess:
        return True
    except ServerBusy:
        return False
    return False


@pytest.mark.parametrize("late", [0, 1], ids=["first", "second"])
def test_of_two_processes_with_one_id_the_first_source_wins_whoever_is_read_first(late: int) -> None:
    sources = [MemorySource(name, Plugin(name, plugin("same", name).processes)) for name in ("one", "two")]
    sources[late].free["collect"].clear()
    catalog = Catalog(sources, 0.1)
    catalog.snapshot()
    sources[late].free["collect"].set()
    wait_until(lambda: len(catalog.snapshot().plugins) == 2, what="both sources")
    assert versions(catalog) == {"same": "one"}
    first, second = catalog.snapshot().plugins
    assert (first.name, first.error) == ("one", None)
    assert (second.name, second.error) == ("two", "Another plugin already offers: same.")


def test_what_changes_while_a_source_is_read_is_read_once_more() -> None:
    """`look_again` returns when the offer as it was then is known, not an older one."""
    source = MemorySource("slow", plugin("slow"))
    catalog = Catalog([source], 10)
    catalog.snapshot()
    source.free["end"].clear()
    source.change(plugin("slow", "2"))
    reading = threading.Thread(target=catalog.look_again)
    reading.start()
    wait_until(lambda: source.collected == 2, what="the reading")
    source.change(plugin("slow", "3"))
    threading.Timer(0.2, source.free["end"].set).start()
    catalog.look_again()
    reading.join()
    assert versions(catalog) == {"slow": "3"}


def test_a_worker_waits_for_the_newest_description() -> None:
    source = MemorySource("slow", plugin("slow"))
    catalog = Catalog([source], None)
    catalog.get("slow")
    source.free["collect"].clear()
    source.change(plugin("slow", "2"))
    threading.Timer(0.5, source.free["collect"].set).start()
    assert catalog.get("slow").process.version == "2"


@pytest.mark.parametrize("read_before", [False, True], ids=["first look", "later"])
def test_a_worker_runs_the_process_that_was_checked_not_a_deployed_one_of_its_id(read_before: bool) -> None:
    """Whoever installs the server decides, however late the plugin is read."""
    deployed = replace(plugin("same", "2").processes[0], mutable=True)
    plugins = MemorySource("plugins", plugin("same"))
    catalog = Catalog([plugins, MemorySource("deployed", Plugin("same", (deployed,)))], None)
    if read_before:
        plugins.change()
        catalog.snapshot()
        plugins.change(plugin("same"))
    plugins.free["collect"].clear()
    threading.Timer(0.3, plugins.free["collect"].set).start()
    assert catalog.get_kept("same", Execution()).process.version == "1"


def test_an_unchanged_offer_starts_no_thread_and_is_not_read_again() -> None:
    sources = [MemorySource("one", plugin("one")), MemorySource("two", plugin("two"))]
    catalog = Catalog(sources)
    number = catalog.snapshot().number
    threads = set(threading.enumerate())
    for _ in range(50):
        catalog.look_again()
        catalog.get("one")
    assert catalog.snapshot().number == number
    assert [source.collected for source in sources] == [1, 1]
    assert set(threading.enumerate()) == threads


def test_entries_of_unchanged_descriptions_are_kept() -> None:
    """And so are their compiled validators."""
    still = MemorySource("still", plugin("still"))
    other = MemorySource("other", plugin("other"))
    catalog = Catalog([still, other])
    entry = catalog.get("still")
    other.change(replace(plugin("other", "2"), deployed=True))
    catalog.look_again()
    assert catalog.get("other").process.version == "2"
    assert catalog.get("still") is entry
