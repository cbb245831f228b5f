"""Every setting once: name, type, default, reason. Sources, later wins: defaults, ini file, environment, command line."""

import configparser
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path

from weaver_like.domain.errors import SettingError

PREFIX = "weaver_like"


def setting(default: object, doc: str) -> object:
    """A field of a section: `default` also fixes the type, `doc` is its line in the reference."""
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True)
class ServerSettings:
    """The HTTP server."""

    host: str = setting("127.0.0.1", "address to listen on; other than loopback asks for security.open=true")
    port: int = setting(4001, "port to listen on; 0 picks a free one and prints it")
    url: str = setting("", "public URL, when behind a proxy; empty: taken from each request")
    kind: str = setting(
        "waitress",
        "HTTP server: waitress (one process), or gunicorn (the extra `production`; several processes, replaced when one dies)",
    )
    processes: int = setting(
        1, "OS processes that answer requests; more than one asks for server.kind=gunicorn and engine.kind=celery"
    )
    trusted_hops: int = setting(
        0,
        "reverse proxies before this server whose X-Forwarded-For, -Proto, -Host, -Port and -Prefix are believed, "
        "counted from this server outwards; 0: those headers are ignored",
    )
    title: str = setting("weaver-like", "title of the landing page")
    description: str = setting("Algorithms as web processes: OGC API - Processes.", "text of the landing page")
    threads: int = setting(
        32, "threads that answer requests; half of them may wait for synchronous jobs, a quarter for events"
    )
    monitor_link: str = setting(
        "asked",
        "Link rel=monitor on synchronous answers: always, asked (if there was a Prefer header) or never; "
        "the official test suite misreads the header",
    )


@dataclass(frozen=True)
class StoreSettings:
    """Where jobs are kept."""

    url: str = setting(
        "",
        "where jobs live: sqlite:///file or mongodb://[user:password@]host[:port][/database]; "
        "empty: sqlite:///DATA/weaver_like.sqlite",
    )
    synchronous: str = setting(
        "NORMAL", "SQLite only: NORMAL survives a crash of the server, FULL also one of the machine"
    )


@dataclass(frozen=True)
class EngineSettings:
    """Who runs jobs, and how many at once."""

    kind: str = setting(
        "embedded",
        "who runs jobs: embedded (this server's own workers), or celery (workers anywhere, through a broker)",
    )
    workers: int = setting(0, "worker processes, each runs one job at a time; 0: one per core")
    priority_levels: int = setting(3, "levels of `priority`, 0 is the most urgent; the middle one is the default")
    ageing_s: float = setting(60, "seconds of waiting after which a job counts as one level more urgent")
    lease_s: float = setting(60, "seconds after which a worker that gave no sign of life has lost its job")
    close: str = setting(
        "cancel", "what a stop does with jobs: join (empty the queue), cancel (finish the running ones) or kill"
    )
    close_grace_s: float = setting(
        10, "longest wait of close=cancel; what still runs then is ended, and begins again at the next start"
    )


@dataclass(frozen=True)
class CelerySettings:
    """The broker between servers and workers, for engine.kind=celery."""

    broker_url: str = setting(
        "", "amqp://user:password@host:5672/vhost (RabbitMQ) or redis://host:6379/1 (a database of its own)"
    )
    prefix: str = setting(
        "weaver_like", "begins the name of every queue and exchange, so that installations may share a broker"
    )


@dataclass(frozen=True)
class FilesSettings:
    """Where files live."""

    data_dir: Path = setting(
        Path("data"), "folder of everything that is kept: store, outputs, logs, plugins, work folders"
    )
    outputs_dir: str = setting(
        "", "where results live: a folder, which machines may share, or s3://bucket/prefix; empty: DATA/outputs"
    )
    outputs_url: str = setting("", "public URL of outputs_dir; empty: served by this server below /outputs")
    s3_endpoint: str = setting(
        "",
        "URL of the S3 service, e.g. of MinIO; empty: Amazon's; credentials come from where Amazon's tools look for them",
    )
    s3_region: str = setting("", "region of the S3 service; empty: as Amazon's tools find it")


@dataclass(frozen=True)
class SecuritySettings:
    """What may be reached, and by whom."""

    allowed_hosts: str = setting(
        "",
        "private addresses that inputs and callbacks may reach: 127.0.0.1, 10.0.0.0/8, host:port, separated by blanks or commas",
    )
    file_roots: str = setting("", "folders that file:// inputs may name, separated by ':'")
    s3_buckets: str = setting(
        "",
        "what s3:// inputs may name with this server's credentials: bucket or bucket/prefix, separated by blanks or commas",
    )
    open: bool = setting(False, "true: listen on other than loopback addresses without any authentication")


@dataclass(frozen=True)
class PluginsSettings:
    """Where processes come from."""

    folders: str = setting("", "folders scanned for plugins, separated by ':'; empty: DATA/plugins")


@dataclass(frozen=True)
class ProcessesSettings:
    """Which processes are offered."""

    testing: bool = setting(False, "offer the test processes (echo, sleep, fail, ...)")


@dataclass(frozen=True)
class SandboxSettings:
    """What commands of application packages see of this machine, and what they may use."""

    kind: str = setting(
        "",
        "how commands are confined: bubblewrap, docker, podman, or none; empty: bubblewrap if it runs here, else none "
        "with a warning",
    )
    containers: str = setting(
        "", "engine for tools that name an image (DockerRequirement): docker or podman; empty: the first that answers"
    )
    image: str = setting("", "image for tools that name none, if sandbox.kind is docker or podman")
    pull: bool = setting(True, "whether images that are missing are pulled when a job needs them")
    images: str = setting(
        "",
        "local folders that stand for container images: image=folder, separated by commas; a folder is a root (with usr/), "
        "or an environment (with bin/)",
    )
    hidden: str = setting(
        "",
        "more folders and files that commands do not see, separated by ':'; DATA, the store and the configuration file are never seen",
    )
    visible: str = setting(
        "", "folders below /home, /root, /mnt, /srv, ... that commands see, read-only, separated by ':'"
    )
    network: bool = setting(
        True, "whether commands that ask for a network (NetworkAccess) get one, with all that this machine can reach"
    )
    processes: int = setting(512, "processes and threads of all commands of one job together; 0: no limit")
    cores: float = setting(
        0, "processors that all commands of one job may use together; 0: no limit; needs control groups"
    )
    parallel: int = setting(0, "steps of one workflow that run at the same time; 0: one per core")


@dataclass(frozen=True)
class PackagesSettings:
    """Another engine for some application packages."""

    engine: str = setting(
        "",
        "command of another CWL engine, with its options, called as cwl-runner is: toil-cwl-runner --batchSystem slurm; "
        "its commands are confined by itself, not by this server",
    )
    engine_processes: str = setting(
        "", "ids of the processes that this engine runs, separated by commas; *: all packages"
    )


@dataclass(frozen=True)
class JobsSettings:
    """Limits and life of jobs."""

    sync_limit_s: float = setting(20, "longest wait of a synchronous execute before it goes on as asynchronous")
    max_attempts: int = setting(3, "so many lost workers end a job")
    keep_days: float = setting(30, "age at which finished jobs and their files are swept; 0 keeps them")
    time_limit_s: float = setting(86400, "longest run of one job; 0: no limit; a process may ask for less")
    memory_limit_bytes: int = setting(
        0,
        "memory of each process of a job, and of all commands of a package together; 0: no limit; a process "
        "may ask for less",
    )
    cancel_grace_s: float = setting(2, "seconds between asking a dismissed job to end and ending it")
    schedule_catch_up_s: float = setting(
        3600, "a firing that nobody was there for is made up for so long afterwards, once; at least 60"
    )
    log_lines: int = setting(10000, "longest log of one job; later lines are counted, not kept")
    reuse_steps: bool = setting(
        False,
        "steps of packages are not run again if the same ones were successful before; else jobs ask for it (`reuse`)",
    )
    reuse_keep_days: float = setting(7, "outputs of steps that nobody reused for so long are swept; 0 keeps them")
    reuse_bytes: int = setting(
        10 * 2**30, "outputs of steps that are kept to be reused; those that were not used longest make room"
    )


@dataclass(frozen=True)
class LimitsSettings:
    """What a client may send."""

    body_bytes: int = setting(10 * 2**20, "largest request body; more is 413")
    package_bytes: int = setting(
        4 * 2**20, "largest application package, and largest document that it refers to; more is 413"
    )
    work_bytes: int = setting(
        50 * 2**30, "what the work folder of one job may hold, inputs too; more fails the job; 0: no limit"
    )
    work_files: int = setting(
        1000000, "files and folders that the work folder of one job may hold; more fails the job; 0: no limit"
    )
    file_bytes: int = setting(10 * 2**30, "largest input by reference; more fails the job")
    inline_bytes: int = setting(
        2**20, "largest file that a results document holds by value where the client left it to the server"
    )
    queue: int = setting(100000, "longest queue of accepted jobs; more is 503 with Retry-After")
    schedules: int = setting(1000, "most schedules that are kept; more is 409")
    fetch_timeout_s: float = setting(30, "longest silence of a server that an input comes from")


@dataclass(frozen=True)
class LogSettings:
    """What is logged."""

    level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR")


@dataclass(frozen=True)
class Settings:
    """All sections; see docs/settings.rst, which is made from this file."""

    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    engine: EngineSettings = EngineSettings()
    celery: CelerySettings = CelerySettings()
    files: FilesSettings = FilesSettings()
    security: SecuritySettings = SecuritySettings()
    plugins: PluginsSettings = PluginsSettings()
    processes: ProcessesSettings = ProcessesSettings()
    packages: PackagesSettings = PackagesSettings()
    sandbox: SandboxSettings = SandboxSettings()
    jobs: JobsSettings = JobsSettings()
    limits: LimitsSettings = LimitsSettings()
    log: LogSettings = LogSettings()

    @property
    def data_dir(self) -> Path:
        return self.files.data_dir.expanduser().resolve()

    @property
    def outputs_dir(self) -> Path:
        """Folder of results, unless they live on S3."""
        given = self.files.outputs_dir
        return Path(given).expanduser().resolve() if given else self.data_dir / "outputs"

    @property
    def outputs_s3(self) -> tuple[str, str] | None:
        """Bucket and prefix (may be empty) of results, if they live on S3. Raises: SettingError."""
        if not self.files.outputs_dir.startswith("s3:"):
            return None
        bucket, _, prefix = self.files.outputs_dir.removeprefix("s3://").partition("/")
        if not bucket or ":" in bucket:
            raise SettingError(
                f"The setting 'files.outputs_dir' is '{self.files.outputs_dir}'; a folder or s3://bucket/prefix is wanted."
            )
        return bucket, prefix.strip("/")

    @property
    def work_dir(self) -> Path:
        """Work folders of running jobs, of this machine alone: by default on the file system of the outputs, so that publishing copies nothing."""
        return self.data_dir / "work"

    @property
    def cache_dir(self) -> Path:
        """What can be made again: descriptions of plugins, files of deployed packages."""
        return self.data_dir / "cache"

    @property
    def step_cache_dir(self) -> Path:
        """Outputs of steps, for those who run them again; commands that are confined do not see it."""
        return self.cache_dir / "steps"

    @property
    def store_url(self) -> str:
        return self.store.url or f"sqlite:///{self.data_dir}/weaver_like.sqlite"

    @property
    def plugin_folders(self) -> list[Path]:
        names = [name for name in self.plugins.folders.split(":") if name]
        return [Path(name).expanduser().resolve() for name in names] or [self.data_dir / "plugins"]

    @property
    def file_roots(self) -> list[Path]:
        return [Path(name).expanduser().resolve() for name in self.security.file_roots.split(":") if name]

    @property
    def images(self) -> dict[str, str]:
        """Image -> folder. Raises: SettingError."""
        pairs = [pair.strip().rpartition("=") for pair in self.sandbox.images.split(",") if pair.strip()]
        for image, _, folder in pairs:
            if not image or not Path(folder).is_dir():
                raise SettingError(
                    f"The setting 'sandbox.images' has '{image}={folder}'; image=folder, of a folder that is there, is wanted."
                )
        return {image.strip(): str(Path(folder.strip()).resolve()) for image, _, folder in pairs}

    @property
    def s3_buckets(self) -> list[str]:
        return self.security.s3_buckets.replace(",", " ").split()

    @property
    def workers(self) -> int:
        return self.engine.workers or os.cpu_count() or 1


_CHOICES = {
    "server.kind": ("waitress", "gunicorn"),
    "server.monitor_link": ("always", "asked", "never"),
    "store.synchronous": ("NORMAL", "FULL"),
    "sandbox.kind": ("", "bubblewrap", "docker", "podman", "none"),
    "sandbox.containers": ("", "docker", "podman"),
    "engine.kind": ("embedded", "celery"),
    "engine.close": ("join", "cancel", "kill"),
    "log.level": ("DEBUG", "INFO", "WARNING", "ERROR"),
}
_MINIMUM = {
    "server.threads": 4,
    "server.processes": 1,
    "engine.priority_levels": 1,
    "engine.lease_s": 5,
    "jobs.max_attempts": 1,
    "jobs.schedule_catch_up_s": 60,
    "limits.body_bytes": 1,
}


def declared() -> Iterator[tuple[str, Field]]:
    """Yield every setting as (`section.name`, its field)."""
    for section in fields(Settings):
        for entry in fields(section.type):
            yield f"{section.name}.{entry.name}", entry


def dump(settings: Settings) -> dict[str, str]:
    """Every setting as a text that `load` takes, e.g. to hand them to another process."""
    return {name: str(_value(settings, name)) for name, _ in declared()}


def _value(settings: Settings, name: str) -> object:
    section, _, key = name.partition(".")
    return getattr(getattr(settings, section), key)


def shown_default(value: object) -> str:
    """A default as it would be written in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def load(
    ini: Path | None = None,
    environment: Mapping[str, str] | None = None,
    overrides: Iterable[str] = (),
    pairs: Mapping[str, str] | None = None,
) -> Settings:
    """Read the settings.

    ini: file with `weaver_like.section.name = value` lines in any section.  overrides: "section.name=value" texts.
    pairs: the same as a mapping, e.g. what PasteDeploy hands over.
    Raises: SettingError, naming the setting, if it is unknown or ill-typed.
    """
    given: dict[str, str] = {}
    given.update(_from_ini(ini) if ini else {})
    given.update(
        {
            name.removeprefix(PREFIX + "."): value
            for name, value in (pairs or {}).items()
            if name.startswith(PREFIX + ".")
        }
    )
    given.update(_from_environment(environment or {}))
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingError(f"'{text}' was got; section.name=value is wanted.")
        given[name.strip()] = value
    if ini:  # it may hold passwords
        given["sandbox.hidden"] = ":".join(filter(None, (given.get("sandbox.hidden"), str(ini.expanduser().resolve()))))
    return _build(given)


def _from_ini(path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise SettingError(f"The configuration file {path} cannot be read: {error}") from error
    names = {
        (section, name) for section in parser.sections() for name in parser[section] if name.startswith(PREFIX + ".")
    }
    return {name.removeprefix(PREFIX + "."): parser[section][name] for section, name in sorted(names)}


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    start = PREFIX.upper() + "_"
    known = {start + name.replace(".", "_").upper(): name for name, _ in declared()}
    found = {}
    for variable, value in environment.items():
        if variable.startswith(start):
            if variable not in known:
                raise SettingError(f"The environment variable {variable} names no setting.")
            found[known[variable]] = value
    return found


def _build(given: Mapping[str, str]) -> Settings:
    entries = dict(declared())
    changes: dict[str, dict[str, object]] = {}
    for name, text in given.items():
        if name not in entries:
            raise SettingError(f"The setting '{name}' is unknown; `weaver-like settings` lists all.")
        section, _, key = name.partition(".")
        changes.setdefault(section, {})[key] = _typed(name, entries[name], text)
    settings = Settings()
    return replace(settings, **{name: replace(getattr(settings, name), **values) for name, values in changes.items()})


def _typed(name: str, entry: Field, text: str) -> object:
    try:
        value = _PARSERS[entry.type](text.strip())
    except ValueError as error:
        raise SettingError(f"The setting '{name}' is '{text}'; {entry.type.__name__} is wanted.") from error
    if name in _CHOICES and value not in _CHOICES[name]:
        raise SettingError(
            f"The setting '{name}' is '{text}'; one of {', '.join(filter(None, _CHOICES[name]))} is wanted."
        )
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not _MINIMUM.get(name, 0) <= value < 2**53:
        raise SettingError(f"The setting '{name}' is {text}; at least {_MINIMUM.get(name, 0)} is wanted.")
    return value


def _boolean(text: str) -> bool:
    return {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}[
        text.lower()
    ]


def _parse_boolean(text: str) -> bool:
    try:
        return _boolean(text)
    except KeyError as error:
        raise ValueError(text) from error


_PARSERS: dict[type, Callable[[str], object]] = {bool: _parse_boolean, int: int, float: float, str: str, Path: Path}
