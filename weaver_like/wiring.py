"""`build(settings) -> Runtime`: the only module that names concrete adapters."""
import fcntl
import os
import uuid
from collections.abc import Iterator, Mapping

from weaver_like.domain.errors import SettingError
from weaver_like.domain.job import Job
from weaver_like.engines.base import Engine
from weaver_like.engines.embedded import EmbeddedEngine
from weaver_like.fetchers.base import Fetcher
from weaver_like.files.area import OutputArea
from weaver_like.jobs.recover import recover_lost
from weaver_like.notify.base import Notifier
from weaver_like.processes.catalog import Catalog
from weaver_like.runners.base import Runner
from weaver_like.runtime import Runtime
from weaver_like.security.guard import Guard
from weaver_like.settings import Settings, declared
from weaver_like.sources.base import Source
from weaver_like.sources.builtin import BuiltinSource
from weaver_like.sources.plugins import PluginSource
from weaver_like.stores.base import JobStore
from weaver_like.stores.sql.connection import Database
from weaver_like.stores.sql.jobs import SqlJobStore

RUNNERS = {"python": Runner("python", "weaver_like.runners.python")}
#: What a zygote keeps warm: runners, and the processes that need nothing else.
WARM = [*(runner.module for runner in RUNNERS.values()), "weaver_like.builtin.testing"]


def build(settings: Settings, serving: bool = False) -> Runtime:
    """Open everything that an OS process needs. serving: the web process, which has the engine; a worker has none.

    Raises: SettingError.
    """
    for folder in (settings.data_dir, settings.outputs_dir, settings.work_dir):
        folder.mkdir(parents=True, exist_ok=True)
    if not settings.plugins.folders:
        settings.plugin_folders[0].mkdir(exist_ok=True)
    guard = Guard(settings.security.allowed_hosts)
    jobs = _store(settings, settings.server.threads if serving else 1)
    # A worker waits for a changed description: it must not run an older one than the request was checked against.
    catalog = Catalog(_sources(settings)) if serving else Catalog(_sources(settings), patience_s=None)
    fetchers = _Fetchers(settings, guard)
    runtime = Runtime(settings, jobs, catalog, OutputArea(settings.outputs_dir), guard, fetchers, RUNNERS, _LazyNotifier(fetchers), None)
    if not serving:
        return runtime
    jobs.migrate()
    return Runtime(**{**vars(runtime), "engine": _engine(settings, runtime)})


def _store(settings: Settings, connections: int) -> JobStore:
    return SqlJobStore(Database(settings.store_url, settings.store.synchronous, connections), settings.engine.ageing_s)


def _sources(settings: Settings) -> list[Source]:
    builtin = [BuiltinSource(["weaver_like.builtin.testing"])] if settings.processes.testing else []
    return [*builtin, PluginSource(settings.plugin_folders, settings.data_dir / "cache" / "plugins.json")]


class _Fetchers(Mapping[str, Fetcher]):
    """Fetchers by scheme, made when the first input asks: most jobs of most workers have no reference."""

    def __init__(self, settings: Settings, guard: Guard):
        self._settings = settings
        self._guard = guard
        self._made: dict[str, object] = {}

    def __getitem__(self, scheme: str) -> Fetcher:
        if scheme in ("http", "https"):
            from weaver_like.fetchers.http import HttpFetcher
            return self._made.setdefault("http", HttpFetcher(self.client()))
        if scheme == "file":
            from weaver_like.fetchers.local import LocalFetcher
            return self._made.setdefault("file", LocalFetcher(self._settings.file_roots))
        raise KeyError(scheme)

    def client(self) -> object:
        from weaver_like.security.http import GuardedClient
        return self._made.setdefault("client", GuardedClient(self._guard, self._settings.limits.fetch_timeout_s))

    def __iter__(self) -> Iterator[str]:
        return iter(("http", "https", "file"))

    def __len__(self) -> int:
        return 3


class _LazyNotifier(Notifier):
    """The HTTP client is loaded with the first callback."""

    def __init__(self, fetchers: _Fetchers):
        self._fetchers = fetchers

    def _notifier(self) -> Notifier:
        from weaver_like.notify.callback import CallbackNotifier
        return CallbackNotifier(self._fetchers.client())

    def check(self, uri: str) -> None:
        self._notifier().check(uri)

    def send(self, uri: str, body: bytes, media_type: str) -> str | None:
        return self._notifier().send(uri, body, media_type)


def _engine(settings: Settings, runtime: Runtime) -> Engine:
    """The engine hears of lost workers and passes their jobs on; those it hands back to itself through the store."""
    def on_lost(worker_prefix: str) -> None:
        recover_lost(runtime, worker_prefix, announce)

    def announce(job: Job) -> None:
        engine.publish({"job": job.id, "kind": "status", "status": str(job.status), "outbox": True})
        engine.submit(job.id, job.priority)

    greeting = {"settings": {name: str(_value(settings, name)) for name, _ in declared()}}
    name, lock = _engine_name(settings)
    engine = EmbeddedEngine(settings.workers, name, greeting, on_lost, lock)
    return engine


def _value(settings: Settings, name: str) -> object:
    section, _, key = name.partition(".")
    return getattr(getattr(settings, section), key)


def _engine_name(settings: Settings) -> tuple[str, int]:
    """A name, the same after a restart, and the descriptor that holds the lock on it.

    The name stays, so that the jobs of a dead server's workers are known at once and not when their lease ends.

    Raises: SettingError, if another server works in this folder: the lock ends with the process that holds it.
    """
    descriptor = os.open(settings.data_dir / "engine.id", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SettingError(f"Another server works in {settings.data_dir}; stop it, or give this one its own --data folder.") from None
    name = os.read(descriptor, 64).decode().strip()
    if not name:
        name = uuid.uuid4().hex[:12]
        os.write(descriptor, name.encode())
    return f"{name}/", descriptor
