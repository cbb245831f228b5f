"""`build(settings) -> Runtime`: the only module that names concrete adapters."""

import logging
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from weaver_like.deployment.checks import ImageSupport
from weaver_like.deployment.cwl import CwlReader
from weaver_like.deployment.deploy import Deployer
from weaver_like.deployment.fetch import DocumentFetcher
from weaver_like.deployment.inspector import Inspector
from weaver_like.deployment.opener import PackageOpener
from weaver_like.deployment.reader import Readers
from weaver_like.domain.errors import SettingError
from weaver_like.egress.guard import Guard
from weaver_like.engines.base import Engine
from weaver_like.engines.embedded import EmbeddedEngine
from weaver_like.fetchers.base import Fetcher
from weaver_like.files.area import OutputArea
from weaver_like.jobs.names import hold_name
from weaver_like.jobs.recover import announce, recover_lost
from weaver_like.notify.base import Notifier
from weaver_like.processes.catalog import Catalog
from weaver_like.runners.base import Runner
from weaver_like.runtime import Runtime
from weaver_like.sandbox.commands import BUBBLEWRAP, DOCKER, NONE, PODMAN, Confinement, bubblewrap_users, secrets
from weaver_like.sandbox.containers import CLIENT_VARIABLES, Containers, remove_containers
from weaver_like.settings import Settings, dump
from weaver_like.sources.base import Source
from weaver_like.sources.builtin import BuiltinSource
from weaver_like.sources.deployed import DeployedSource
from weaver_like.sources.plugins import PluginSource
from weaver_like.stores.base import DeploymentStore, Store

log = logging.getLogger(__name__)
PYTHON = Runner("python", "weaver_like.runners.python")
#: What a zygote keeps warm from the beginning; other runners take a second to get warm, at their first job.
WARM = [PYTHON.module, "weaver_like.builtin.testing"]


def build(settings: Settings, serving: bool = False) -> Runtime:
    """Open everything that an OS process needs. serving: the web process, which has the engine; a worker has none.

    Raises: SettingError.
    """
    if (settings.outputs_s3 or settings.s3_buckets) and find_spec("boto3") is None:
        raise SettingError(
            "files.outputs_dir or security.s3_buckets asks for S3, which boto3 speaks: pip install weaver-like[s3]"
        )
    for folder in (settings.data_dir, settings.work_dir, settings.cache_dir):
        folder.mkdir(parents=True, exist_ok=True)
    if not settings.plugins.folders:
        settings.plugin_folders[0].mkdir(exist_ok=True)
    guard = Guard(settings.security.allowed_hosts)
    store = _store(settings, settings.server.threads if serving else 1)
    # A worker waits for a changed description: it must not run an older one than the request was checked against.
    sources = _sources(settings, store.deployments)
    catalog = Catalog(sources) if serving else Catalog(sources, patience_s=None)
    fetchers = _Fetchers(settings, guard)
    confinement = _confinement(settings)
    runners = _runners(settings, confinement)
    images = ImageSupport(
        folders=frozenset(confinement.images),
        engine_answers=lambda: _containers(settings).find() is not None,
        elsewhere=frozenset(runners["cwl"].options["engine_processes"]),
    )
    deployer = Deployer(store.deployments, catalog, _opener(settings, fetchers, images), settings.limits.package_bytes)
    runtime = Runtime(
        settings,
        store,
        catalog,
        deployer,
        _area(settings, fetchers),
        guard,
        fetchers,
        runners,
        _LazyNotifier(fetchers),
        None,
    )
    if not serving:
        return runtime
    _warn_of_unconfined(settings, confinement)
    return replace(runtime, engine=_engine(settings, runtime))


def open_store(settings: Settings, url: str) -> Store:
    """Another store than that of the settings. Raises: SettingError."""
    return _store(replace(settings, store=replace(settings.store, url=url)), 1)


def _store(settings: Settings, connections: int) -> Store:
    if settings.store_url.startswith(("mongodb://", "mongodb+srv://")):
        return _mongo_store(settings, connections)
    from weaver_like.stores.sql.connection import SqlDatabase
    from weaver_like.stores.sql.store import SqlStore

    database = SqlDatabase(settings.store_url, settings.store.synchronous, connections)
    return SqlStore(database, settings.engine.ageing_s)


def _mongo_store(settings: Settings, connections: int) -> Store:
    try:
        from weaver_like.stores.mongo.connection import MongoDatabase
        from weaver_like.stores.mongo.store import MongoStore
    except ImportError as error:
        raise SettingError(
            f"The setting 'store.url' asks for MongoDB, whose driver is not installed: {error}. "
            "Install weaver-like[mongo]."
        ) from error
    return MongoStore(MongoDatabase(settings.store_url, connections), settings.engine.ageing_s)


def _area(settings: Settings, fetchers: "_Fetchers") -> OutputArea:
    """Raises: SettingError."""
    place = settings.outputs_s3
    if place is not None:
        from weaver_like.files.s3 import S3Area

        return S3Area(fetchers.s3(), *place)
    from weaver_like.files.folder import FolderArea

    settings.outputs_dir.mkdir(parents=True, exist_ok=True)
    return FolderArea(settings.outputs_dir)


def _sources(settings: Settings, deployments: DeploymentStore) -> list[Source]:
    builtin = [BuiltinSource(["weaver_like.builtin.testing"])] if settings.processes.testing else []
    return [
        *builtin,
        PluginSource(settings.plugin_folders, settings.cache_dir / "plugins.json"),
        DeployedSource(deployments),
    ]


def _opener(settings: Settings, fetchers: "_Fetchers", images: ImageSupport) -> PackageOpener:
    inspector = Inspector("weaver_like.runners.cwl.document.inspect", settings.cache_dir)
    fetcher = DocumentFetcher(fetchers, settings.cache_dir, settings.limits.package_bytes)
    return PackageOpener(
        readers=Readers([CwlReader("cwl", inspector)]), parse=inspector.parse, fetch=fetcher.fetch, images=images
    )


def _runners(settings: Settings, confinement: Confinement) -> dict[str, Runner]:
    """Python functions, and application packages with what the operator allows them."""
    sandbox = settings.sandbox
    options = {
        "confinement": asdict(confinement),
        "containers": asdict(_containers(settings)),
        "parallel": sandbox.parallel,
        "cores": sandbox.cores,
        "engine": _engine_command(settings),
        "engine_processes": settings.packages.engine_processes.replace(",", " ").split(),
    }
    client = _containers(settings).environment
    cwl = Runner(
        "cwl",
        "weaver_like.runners.cwl.run",
        options,
        starts_commands=True,
        holds_file_objects=True,
        cleanup=lambda workdir: remove_containers(workdir, client),
    )
    return {runner.kind: runner for runner in (PYTHON, cwl)}


def _engine_command(settings: Settings) -> list[str]:
    """By its whole path: jobs start it in folders of their own. Raises: SettingError, if it is not installed."""
    command = shlex.split(settings.packages.engine)
    if not command:
        return []
    found = shutil.which(command[0])
    if found is None:
        raise SettingError(f"The setting 'packages.engine' names the command '{command[0]}', which was not found.")
    return [os.path.abspath(found), *command[1:]]


def _confinement(settings: Settings) -> Confinement:
    def paths(text: str) -> tuple[str, ...]:
        return tuple(str(Path(path).expanduser().resolve()) for path in text.split(":") if path)

    asked = settings.sandbox.kind
    user, trouble = ((), "") if asked not in ("", BUBBLEWRAP) else bubblewrap_users()
    if asked == BUBBLEWRAP and trouble:
        raise SettingError(f"The setting 'sandbox.kind' asks for bubblewrap, which does not run here: {trouble}")
    kind = NONE if trouble else asked or BUBBLEWRAP
    return Confinement(
        kind,
        (*_own_places(settings), *secrets(), *paths(settings.sandbox.hidden)),
        paths(settings.sandbox.visible),
        settings.images,
        user,
        settings.sandbox.network,
    )


def _containers(settings: Settings) -> Containers:
    """Raises: SettingError."""
    sandbox = settings.sandbox
    kind = sandbox.kind if sandbox.kind in (DOCKER, PODMAN) else sandbox.containers
    if sandbox.kind in (DOCKER, PODMAN) and shutil.which(sandbox.kind) is None:
        raise SettingError(f"The setting 'sandbox.kind' asks for {sandbox.kind}, whose client is not installed here.")
    environment = {name: os.environ[name] for name in CLIENT_VARIABLES if name in os.environ}
    return Containers(kind, sandbox.image, sandbox.pull, {"PATH": os.defpath} | environment)


def _own_places(settings: Settings) -> list[str]:
    """Where this installation keeps what is nobody else's business."""
    outputs = [] if settings.outputs_s3 else [str(settings.outputs_dir)]
    store = settings.store_url.removeprefix("sqlite:///") if settings.store_url.startswith("sqlite:///") else ""
    files = [str(Path(store + end).resolve()) for end in ("", "-wal", "-shm", "-journal")] if store else []
    return [str(settings.data_dir), *outputs, *map(str, settings.plugin_folders), *files]


def _warn_of_unconfined(settings: Settings, confinement: Confinement) -> None:
    if confinement.kind == NONE:
        why = (
            "the setting says so"
            if settings.sandbox.kind == NONE
            else f"bubblewrap does not run here: {bubblewrap_users()[1]}"
        )
        log.warning(
            "commands of application packages see and may do all that this server may (sandbox.kind=none; %s)", why
        )
    elif confinement.kind in (DOCKER, PODMAN) and not settings.sandbox.image:
        log.warning(
            "application packages that name no image cannot run (sandbox.kind=%s, sandbox.image is empty)",
            confinement.kind,
        )


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
        if scheme == "s3" and self._settings.s3_buckets:
            from weaver_like.fetchers.s3 import S3Fetcher

            return self._made.setdefault("s3", S3Fetcher(self._settings.s3_buckets, self.s3))
        raise KeyError(scheme)

    def client(self) -> object:
        from weaver_like.egress.http import GuardedClient

        return self._made.setdefault("client", GuardedClient(self._guard, self._settings.limits.fetch_timeout_s))

    def s3(self) -> object:
        if "s3 client" not in self._made:
            from weaver_like.egress.s3 import S3Client

            files = self._settings.files
            self._made.setdefault(
                "s3 client", S3Client(files.s3_endpoint, files.s3_region, self._settings.limits.fetch_timeout_s)
            )
        return self._made["s3 client"]

    def __iter__(self) -> Iterator[str]:
        return iter(("http", "https", "file", *(["s3"] if self._settings.s3_buckets else [])))

    def __len__(self) -> int:
        return len(list(self))


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
        recover_lost(runtime, worker_prefix, partial(announce, engine))

    if settings.engine.kind == "celery":
        from weaver_like.engines.celery.broker import Broker
        from weaver_like.engines.celery.engine import CeleryEngine

        return CeleryEngine(Broker(settings.celery.broker_url, settings.celery.prefix))
    held = hold_name(settings.data_dir / "engine.id")
    if held is None:
        raise SettingError(
            f"Another server works in {settings.data_dir}; stop it, or give this one its own --data folder."
        )
    name, lock = held
    engine = EmbeddedEngine(settings.workers, f"{name}/", dump(settings), on_lost, lock)
    return engine
