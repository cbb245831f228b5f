"""`build(settings) -> Runtime`: the only module that names concrete adapters."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from weaver_like.deployment.checks import ImageSupport
from weaver_like.deployment.cwl import CwlReader
from weaver_like.deployment.deploy import Deployer
from weaver_like.deployment.fetch import DocumentFetcher
from weaver_like.deployment.inspector import Inspector
from weaver_like.deployment.offered import OfferedProcesses
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
from weaver_like.runners.base import ChildRunner
from weaver_like.runners.cwl.options import CwlOptions, ExternalEngine
from weaver_like.runtime import Runtime
from weaver_like.sandbox.containers import remove_containers
from weaver_like.sandbox.policy import SandboxPolicy, decide, find_engine
from weaver_like.settings import Settings, dump
from weaver_like.sources.base import Source
from weaver_like.sources.builtin import BuiltinSource
from weaver_like.sources.deployed import DeployedSource
from weaver_like.sources.plugins import PluginSource
from weaver_like.stores.base import DeploymentStore, Store
from weaver_like.warm import NURSERY, is_mongo, warm_up, worker_modules

if TYPE_CHECKING:
    from weaver_like.egress.http import GuardedClient
    from weaver_like.egress.s3 import S3Client

log = logging.getLogger(__name__)
#: Kind of the processes that packages in CWL become.
CWL = "cwl"
_CWL_MODULE = "weaver_like.runners.cwl.run"
_TESTING = "weaver_like.builtin.testing"
PYTHON = ChildRunner("python", "weaver_like.runners.python")


def build(settings: Settings, serving: bool = False) -> Runtime:
    """Open everything that an OS process needs. serving: True in a server, which has an engine; a worker has none.

    Raises: SettingError.
    """
    if serving and settings.engine.kind == "embedded":
        warm_up(settings)
    _prepare(settings)
    guard = Guard(settings.security.allowed_hosts)
    connections = settings.server.threads if serving else 1
    store = _store(settings, connections)
    # A worker waits for a changed description: it must not run an older one than the request was checked against.
    sources = _sources(settings, store.deployments)
    catalog = Catalog(sources) if serving else Catalog(sources, patience_s=None)
    fetchers = _Fetchers(settings, guard)
    sandbox = decide(settings)
    options = _cwl_options(settings, sandbox)
    cwl = _cwl_runner(options)
    runtime = Runtime(
        settings=settings,
        store=store,
        catalog=catalog,
        deployer=Deployer(
            store=store.deployments,
            catalog=catalog,
            opener=_opener(settings, fetchers, options, catalog),
            package_bytes=settings.limits.package_bytes,
        ),
        area=_area(settings, fetchers),
        guard=guard,
        fetchers=fetchers,
        runners={runner.kind: runner for runner in (PYTHON, cwl)},
        notifier=_LazyNotifier(fetchers),
        engine=None,
    )
    if not serving:
        return runtime
    if sandbox.warning:
        log.warning(sandbox.warning)
    return replace(runtime, engine=_engine(settings, runtime))


def _prepare(settings: Settings) -> None:
    """Make the folders of this installation. Raises: SettingError, if a library that the settings need is missing."""
    if (settings.outputs_s3 or settings.s3_buckets) and find_spec("boto3") is None:
        raise SettingError(
            "files.outputs_dir or security.s3_buckets needs boto3 to reach S3; install it: pip install weaver-like[s3]"
        )
    for folder in (settings.data_dir, settings.work_dir, settings.cache_dir):
        folder.mkdir(parents=True, exist_ok=True)
    if not settings.plugins.folders:
        settings.plugin_folders[0].mkdir(exist_ok=True)


def open_store(settings: Settings, url: str) -> Store:
    """Open another store than that of the settings. Raises: SettingError."""
    return _store(replace(settings, store=replace(settings.store, url=url)), 1)


def _store(settings: Settings, connections: int) -> Store:
    if is_mongo(settings):
        return _mongo_store(settings, connections)
    from weaver_like.stores.sql.database import SqlDatabase
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

        return S3Area(fetchers.s3_client, *place)
    from weaver_like.files.folder import FolderArea

    settings.outputs_dir.mkdir(parents=True, exist_ok=True)
    return FolderArea(settings.outputs_dir)


def _sources(settings: Settings, deployments: DeploymentStore) -> list[Source]:
    plugins = PluginSource(settings.plugin_folders, settings.cache_dir / "plugins.json", PYTHON.kind)
    sources: list[Source] = [plugins, DeployedSource(deployments)]
    if settings.processes.testing:
        sources.insert(0, BuiltinSource([_TESTING], PYTHON.kind))
    return sources


def _opener(settings: Settings, fetchers: "_Fetchers", options: CwlOptions, catalog: Catalog) -> PackageOpener:
    """Each kind of package has one reader here."""
    describe = OfferedProcesses(catalog).describe
    inspector = Inspector(
        NURSERY, "weaver_like.runners.cwl.document.inspect", settings.cache_dir, describe, beside=[_CWL_MODULE]
    )
    fetcher = DocumentFetcher(fetchers, settings.cache_dir, settings.limits.package_bytes)
    images = ImageSupport(
        folders=options.confinement.images,
        engine_answers=lambda: options.containers.find() is not None,
        elsewhere=options.engine.processes,
    )
    return PackageOpener(
        readers=Readers([CwlReader(CWL, inspector)]), parse=inspector.parse, fetch=fetcher.fetch, images=images
    )


def _cwl_runner(options: CwlOptions) -> ChildRunner:
    client = options.containers.environment
    return ChildRunner(
        kind=CWL,
        module=_CWL_MODULE,
        options=options.render(),
        starts_commands=True,
        holds_file_objects=True,
        cleanup=lambda workdir: remove_containers(workdir, client),
    )


def _cwl_options(settings: Settings, sandbox: SandboxPolicy) -> CwlOptions:
    packages = settings.packages
    engine = ExternalEngine(
        command=find_engine(packages.engine), processes=frozenset(packages.engine_processes.replace(",", " ").split())
    )
    return CwlOptions(
        confinement=sandbox.confinement,
        containers=sandbox.containers,
        engine=engine,
        parallel=settings.sandbox.parallel,
        cores=settings.sandbox.cores,
    )


class _Fetchers(Mapping[str, Fetcher]):
    """Fetchers by scheme, loaded at first use: most jobs have no input by reference."""

    def __init__(self, settings: Settings, guard: Guard):
        self._settings = settings
        self._guard = guard
        self._schemes = ["http", "https", "file"]
        if settings.s3_buckets:
            self._schemes.append("s3")

    def __getitem__(self, scheme: str) -> Fetcher:
        if scheme not in self._schemes:
            raise KeyError(scheme)
        if scheme == "file":
            return self._file
        return self._s3 if scheme == "s3" else self._http

    def __iter__(self) -> Iterator[str]:
        return iter(self._schemes)

    def __len__(self) -> int:
        return len(self._schemes)

    @cached_property
    def client(self) -> "GuardedClient":
        from weaver_like.egress.http import GuardedClient

        return GuardedClient(self._guard, self._settings.limits.fetch_timeout_s)

    @cached_property
    def s3_client(self) -> "S3Client":
        from weaver_like.egress.s3 import S3Client

        files = self._settings.files
        return S3Client(files.s3_endpoint, files.s3_region, self._settings.limits.fetch_timeout_s)

    @cached_property
    def _http(self) -> Fetcher:
        from weaver_like.fetchers.http import HttpFetcher

        return HttpFetcher(self.client)

    @cached_property
    def _file(self) -> Fetcher:
        from weaver_like.fetchers.local import LocalFetcher

        return LocalFetcher(self._settings.file_roots)

    @cached_property
    def _s3(self) -> Fetcher:
        from weaver_like.fetchers.s3 import S3Fetcher

        return S3Fetcher(self._settings.s3_buckets, lambda: self.s3_client)


class _LazyNotifier(Notifier):
    """The HTTP client is loaded with the first callback."""

    def __init__(self, fetchers: _Fetchers):
        self._fetchers = fetchers

    def _notifier(self) -> Notifier:
        from weaver_like.notify.callback import CallbackNotifier

        return CallbackNotifier(self._fetchers.client)

    def check(self, uri: str) -> None:
        self._notifier().check(uri)

    def send(self, uri: str, body: bytes, media_type: str) -> str | None:
        return self._notifier().send(uri, body, media_type)


def _engine(settings: Settings, runtime: Runtime) -> Engine:
    """The engine, which puts the jobs of its lost workers back into the queue of the store."""

    def on_lost(worker_prefix: str) -> None:
        recover_lost(runtime, worker_prefix, partial(announce, engine))

    if settings.engine.kind == "celery":
        from weaver_like.engines.celery.broker import Broker
        from weaver_like.engines.celery.engine import CeleryEngine

        return CeleryEngine(Broker(settings.celery.broker_url, settings.celery.prefix))
    held = hold_name(settings.data_dir / "engine.id")
    if held is None:
        raise SettingError(
            f"Another server is using {settings.data_dir}; stop it, or give this one its own --data folder."
        )
    name, lock = held
    engine = EmbeddedEngine(
        count=settings.workers,
        name=f"{name}/",
        settings=dump(settings),
        nursery=NURSERY,
        warm=worker_modules(settings),
        on_lost=on_lost,
        lock=lock,
    )
    return engine
