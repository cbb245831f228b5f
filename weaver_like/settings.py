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
class Server:
    """The HTTP server."""

    host: str = setting("127.0.0.1", "address to listen on; other than loopback asks for security.open=true")
    port: int = setting(4001, "port to listen on; 0 picks a free one and prints it")
    url: str = setting("", "public URL, when behind a proxy; empty: taken from each request")
    title: str = setting("weaver-like", "title of the landing page")
    description: str = setting("Algorithms as web processes: OGC API - Processes.", "text of the landing page")
    threads: int = setting(32, "threads that answer requests; half of them may wait for synchronous jobs, a quarter for events")
    monitor_link: str = setting("asked", "Link rel=monitor on synchronous answers: always, asked (if there was a Prefer header) or never; "
                                         "the official test suite misreads the header")


@dataclass(frozen=True)
class Store:
    """Where jobs are kept."""

    url: str = setting("", "where jobs live; empty: sqlite:///DATA/weaver_like.sqlite")
    synchronous: str = setting("NORMAL", "SQLite only: NORMAL survives a crash of the server, FULL also one of the machine")


@dataclass(frozen=True)
class Engine:
    """Who runs jobs, and how many at once."""

    kind: str = setting("embedded", "who runs jobs: embedded")
    workers: int = setting(0, "worker processes, each runs one job at a time; 0: one per core")
    priority_levels: int = setting(3, "levels of `priority`, 0 is the most urgent; the middle one is the default")
    ageing_s: float = setting(60, "seconds of waiting after which a job counts as one level more urgent")
    lease_s: float = setting(60, "seconds after which a worker that gave no sign of life has lost its job")
    close: str = setting("cancel", "what a stop does with jobs: join (empty the queue), cancel (finish the running ones) or kill")
    close_grace_s: float = setting(10, "longest wait of close=cancel; what still runs then is ended, and begins again at the next start")


@dataclass(frozen=True)
class Files:
    """Where files live."""

    data_dir: Path = setting(Path("data"), "folder of everything that is kept: store, outputs, logs, plugins, work folders")
    outputs_dir: Path = setting(Path(), "where results live; empty: DATA/outputs")
    outputs_url: str = setting("", "public URL of outputs_dir; empty: served by this server below /outputs")


@dataclass(frozen=True)
class Security:
    """What may be reached, and by whom."""

    allowed_hosts: str = setting("", "private addresses that inputs and callbacks may reach: 127.0.0.1, 10.0.0.0/8, host:port, separated by blanks or commas")
    file_roots: str = setting("", "folders that file:// inputs may name, separated by ':'")
    open: bool = setting(False, "true: listen on other than loopback addresses without any authentication")


@dataclass(frozen=True)
class Plugins:
    """Where processes come from."""

    folders: str = setting("", "folders scanned for plugins, separated by ':'; empty: DATA/plugins")


@dataclass(frozen=True)
class Processes:
    """Which processes are offered."""

    testing: bool = setting(False, "offer the test processes (echo, sleep, fail, ...)")


@dataclass(frozen=True)
class Jobs:
    """Limits and life of jobs."""

    sync_limit_s: float = setting(20, "longest wait of a synchronous execute before it goes on as asynchronous")
    max_attempts: int = setting(3, "so many lost workers end a job")
    keep_days: float = setting(30, "age at which finished jobs and their files are swept; 0 keeps them")
    time_limit_s: float = setting(86400, "longest run of one job; 0: no limit; a process may ask for less")
    memory_limit_bytes: int = setting(0, "memory of each process of a job; 0: no limit; a process may ask for less")
    cancel_grace_s: float = setting(2, "seconds between asking a dismissed job to end and ending it")
    log_lines: int = setting(10000, "longest log of one job; later lines are counted, not kept")


@dataclass(frozen=True)
class Limits:
    """What a client may send."""

    body_bytes: int = setting(10 * 2**20, "largest request body; more is 413")
    file_bytes: int = setting(10 * 2**30, "largest input by reference; more fails the job")
    inline_bytes: int = setting(2**20, "largest file that a results document holds by value where the client left it to the server")
    queue: int = setting(100000, "longest queue of accepted jobs; more is 503 with Retry-After")
    fetch_timeout_s: float = setting(30, "longest silence of a server that an input comes from")


@dataclass(frozen=True)
class Log:
    """What is logged."""

    level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR")


@dataclass(frozen=True)
class Settings:
    """All sections; see docs/settings.rst, which is made from this file."""

    server: Server = Server()
    store: Store = Store()
    engine: Engine = Engine()
    files: Files = Files()
    security: Security = Security()
    plugins: Plugins = Plugins()
    processes: Processes = Processes()
    jobs: Jobs = Jobs()
    limits: Limits = Limits()
    log: Log = Log()

    @property
    def data_dir(self) -> Path:
        return self.files.data_dir.expanduser().resolve()

    @property
    def outputs_dir(self) -> Path:
        given = self.files.outputs_dir
        return self.data_dir / "outputs" if given == Path() else given.expanduser().resolve()

    @property
    def work_dir(self) -> Path:
        """Work folders of running jobs: on the file system of the outputs, so that publishing is a rename."""
        return self.data_dir / "work"

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
    def workers(self) -> int:
        return self.engine.workers or os.cpu_count() or 1


_CHOICES = {
    "server.monitor_link": ("always", "asked", "never"), "store.synchronous": ("NORMAL", "FULL"),
    "engine.kind": ("embedded",), "engine.close": ("join", "cancel", "kill"), "log.level": ("DEBUG", "INFO", "WARNING", "ERROR"),
}
_MINIMUM = {"server.threads": 4, "engine.priority_levels": 1, "engine.lease_s": 5, "jobs.max_attempts": 1, "limits.body_bytes": 1}


def declared() -> Iterator[tuple[str, Field]]:
    """Yield every setting as (`section.name`, its field)."""
    for section in fields(Settings):
        for entry in fields(section.type):
            yield f"{section.name}.{entry.name}", entry


def shown_default(value: object) -> str:
    """A default as it would be written in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value == Path() else str(value)


def load(ini: Path | None = None, environment: Mapping[str, str] | None = None, overrides: Iterable[str] = (),
         pairs: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    ini: file with `weaver_like.section.name = value` lines in any section.  overrides: "section.name=value" texts.
    pairs: the same as a mapping, e.g. what PasteDeploy hands over.
    Raises: SettingError, naming the setting, if it is unknown or ill-typed.
    """
    given: dict[str, str] = {}
    given.update(_from_ini(ini) if ini else {})
    given.update({name.removeprefix(PREFIX + "."): value for name, value in (pairs or {}).items() if name.startswith(PREFIX + ".")})
    given.update(_from_environment(environment or {}))
    for text in overrides:
        name, equals, value = text.partition("=")
        if not equals:
            raise SettingError(f"'{text}' was got; section.name=value is wanted.")
        given[name.strip()] = value
    return _build(given)


def _from_ini(path: Path) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise SettingError(f"The configuration file {path} cannot be read: {error}") from error
    names = {(section, name) for section in parser.sections() for name in parser[section] if name.startswith(PREFIX + ".")}
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
        raise SettingError(f"The setting '{name}' is '{text}'; one of {', '.join(_CHOICES[name])} is wanted.")
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not _MINIMUM.get(name, 0) <= value < 2**53:
        raise SettingError(f"The setting '{name}' is {text}; at least {_MINIMUM.get(name, 0)} is wanted.")
    return value


def _boolean(text: str) -> bool:
    return {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}[text.lower()]


def _parse_boolean(text: str) -> bool:
    try:
        return _boolean(text)
    except KeyError as error:
        raise ValueError(text) from error


_PARSERS: dict[type, Callable[[str], object]] = {bool: _parse_boolean, int: int, float: float, str: str, Path: Path}
