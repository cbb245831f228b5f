"""Declares every setting by section, with its type, default and text in the reference."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

Default = TypeVar("Default")


def setting(default: Default, doc: str, *, choices: tuple[str, ...] = (), minimum: int = 0) -> Default:
    """Declare a field of a section; the type is that of its annotation.

    Args:
        doc: the text in the reference.
        choices: the only texts allowed; empty allows any.
        minimum: the smallest number allowed.
    """
    declared: Default = field(default=default, metadata={"doc": doc, "choices": choices, "minimum": minimum})
    return declared


def shown_default(value: object) -> str:
    """A default as it would be written in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


@dataclass(frozen=True)
class ServerSettings:
    """The HTTP server."""

    host: str = setting("127.0.0.1", "Address to listen on. Any address but loopback requires security.open=true.")
    port: int = setting(4001, "Port to listen on. 0 picks a free port and prints it.")
    url: str = setting("", "Public URL of a server behind a proxy. Empty: taken from each request.")
    kind: str = setting(
        "waitress",
        "HTTP server: waitress (a single process), or gunicorn (several processes, replaced when one dies; "
        "needs the extra `production`).",
        choices=("waitress", "gunicorn"),
    )
    processes: int = setting(
        1,
        "Operating system processes that answer requests. More than one requires server.kind=gunicorn and "
        "engine.kind=celery.",
        minimum=1,
    )
    trusted_hops: int = setting(
        0,
        "Number of reverse proxies in front of this server, counted from the server outwards, whose "
        "X-Forwarded-For, -Proto, -Host, -Port and -Prefix headers are trusted. 0 ignores these headers.",
    )
    title: str = setting("weaver-like", "Title of the landing page.")
    description: str = setting("Algorithms as web processes: OGC API - Processes.", "Description on the landing page.")
    threads: int = setting(
        32,
        "Threads that answer requests. At most half of them wait for synchronous jobs, and a quarter for events.",
        minimum=4,
    )
    monitor_link: str = setting(
        "asked",
        "When synchronous responses carry a Link header with rel=monitor: always, asked (if the request has a "
        "Prefer header) or never. The official test suite misreads the header.",
        choices=("always", "asked", "never"),
    )
    page_size: int = setting(
        10, "Items on a page of /jobs and of /schedules, where a request does not say how many (`limit`).", minimum=1
    )
    processes_page_size: int = setting(
        100, "The same for /processes. Many clients read the first page only and never see the others.", minimum=1
    )


@dataclass(frozen=True)
class StoreSettings:
    """The database that keeps jobs, schedules and deployed processes."""

    url: str = setting(
        "",
        "sqlite:///file, postgresql+psycopg://user:password@host/database, "
        "mariadb+pymysql://user:password@host/database or mongodb://[user:password@]host[:port][/database]. "
        "Empty: sqlite:///DATA/weaver_like.sqlite.",
    )
    synchronous: str = setting(
        "NORMAL",
        "SQLite only. NORMAL survives a crash of the server; FULL also survives a crash of the machine.",
        choices=("NORMAL", "FULL"),
    )


@dataclass(frozen=True)
class EngineSettings:
    """What runs jobs, and how many at once."""

    kind: str = setting(
        "embedded",
        "What runs jobs: embedded (worker processes of this server), or celery (workers on any machine, "
        "reached through a broker).",
        choices=("embedded", "celery"),
    )
    workers: int = setting(0, "Worker processes; each runs one job at a time. 0: one per core.")
    priority_levels: int = setting(
        3, "Number of levels of `priority`. 0 is the most urgent level; the middle level is the default.", minimum=1
    )
    ageing_s: float = setting(60, "Seconds of waiting after which a job counts as one level more urgent.")
    lease_s: float = setting(
        60, "Seconds without a sign of life after which a worker loses its job to another one.", minimum=5
    )
    close: str = setting(
        "cancel",
        "What happens to jobs when the server stops: join (empty the queue first), cancel (let running jobs "
        "finish) or kill (end running jobs at once).",
        choices=("join", "cancel", "kill"),
    )
    close_grace_s: float = setting(
        10,
        "With engine.close=cancel, how many seconds running jobs get to finish. Jobs that are still running then "
        "are ended, and start again with the server.",
    )


@dataclass(frozen=True)
class CelerySettings:
    """The broker between servers and workers, for engine.kind=celery."""

    broker_url: str = setting(
        "",
        "amqp://user:password@host:5672/vhost (RabbitMQ) or redis://host:6379/1 (Redis, with a database of its own).",
    )
    prefix: str = setting(
        "weaver_like",
        "Prefix of the names of all queues and exchanges; different prefixes let installations share a broker.",
    )


@dataclass(frozen=True)
class FilesSettings:
    """Where files are kept."""

    data_dir: Path = setting(
        Path("data"), "Folder for everything that is kept: store, outputs, logs, plugins, work folders."
    )
    outputs_dir: str = setting(
        "",
        "Where result files are kept: a folder, which several machines may share, or s3://bucket/prefix. "
        "Empty: DATA/outputs.",
    )
    outputs_url: str = setting("", "Public URL of files.outputs_dir. Empty: this server serves it at /outputs.")
    s3_endpoint: str = setting(
        "",
        "URL of the S3 service, for example MinIO. Empty: Amazon S3. Credentials are looked up where Amazon's "
        "own tools look for them.",
    )
    s3_region: str = setting("", "Region of the S3 service. Empty: looked up as Amazon's own tools do.")


@dataclass(frozen=True)
class SecuritySettings:
    """What the server may reach, and who may reach the server."""

    allowed_hosts: str = setting(
        "",
        "Private addresses that inputs and callbacks may reach: 127.0.0.1, 10.0.0.0/8 or host:port, separated by "
        "spaces or commas.",
    )
    file_roots: str = setting("", "Folders that file:// inputs may refer to, separated by ':'.")
    s3_buckets: str = setting(
        "",
        "What s3:// inputs may refer to, read with this server's credentials: bucket or bucket/prefix, separated "
        "by spaces or commas.",
    )
    cors_origins: str = setting(
        "",
        "Web pages of other sites that may call this server from a browser: their origins, as "
        "https://maps.example or http://localhost:8080, separated by spaces or commas. *: pages of any origin "
        "may read, without credentials.",
    )
    open: bool = setting(False, "Listen on addresses other than loopback without any authentication.")


@dataclass(frozen=True)
class PluginsSettings:
    """Where processes written in Python are found."""

    folders: str = setting("", "Folders scanned for plugins, separated by ':'. Empty: DATA/plugins.")


@dataclass(frozen=True)
class ProcessesSettings:
    """Which processes are offered."""

    testing: bool = setting(False, "Offer the test processes (echo, sleep, fail, ...).")


@dataclass(frozen=True)
class PackagesSettings:
    """An external engine for some application packages."""

    engine: str = setting(
        "",
        "Command of another CWL engine with its options, called like cwl-runner; for example "
        "toil-cwl-runner --batchSystem slurm. That engine, not this server, confines its commands.",
    )
    engine_processes: str = setting(
        "",
        "Ids of the processes that packages.engine runs, separated by commas. '*' stands for all application packages.",
    )


@dataclass(frozen=True)
class SandboxSettings:
    """What commands of application packages see of this machine, and what they may use."""

    kind: str = setting(
        "",
        "How commands are confined: bubblewrap, docker, podman or none. Empty: bubblewrap if it works on this "
        "machine, otherwise none, with a warning.",
        choices=("", "bubblewrap", "docker", "podman", "none"),
    )
    containers: str = setting(
        "",
        "Engine for tools that name an image (DockerRequirement): docker or podman. Empty: the first that answers.",
        choices=("", "docker", "podman"),
    )
    image: str = setting("", "Image for tools that do not name one, if sandbox.kind is docker or podman.")
    pull: bool = setting(True, "Pull missing images when a job needs them.")
    images: str = setting(
        "",
        "Local folders that stand in for container images: image=folder, separated by commas. A folder is a root "
        "file system (with usr/) or an environment (with bin/).",
    )
    hidden: str = setting(
        "",
        "Additional folders and files to hide from commands, separated by ':'. DATA, the store and the "
        "configuration file are always hidden.",
    )
    visible: str = setting("", "Folders below /home, /root, /mnt, /srv, ... that commands may read, separated by ':'.")
    network: bool = setting(
        True,
        "Give network access to commands that ask for it (NetworkAccess), and to tools of CWL v1.0, which cannot ask; "
        "they then reach everything that this machine reaches.",
    )
    processes: int = setting(512, "Processes and threads of all commands of a job taken together. 0: no limit.")
    cores: float = setting(
        0, "Cores that all commands of a job may use together. 0: no limit. Requires control groups."
    )
    parallel: int = setting(0, "Steps of a workflow that run at the same time. 0: one per core.")


@dataclass(frozen=True)
class JobsSettings:
    """Limits and lifetime of jobs."""

    sync_limit_s: float = setting(
        20, "Longest time in seconds that a synchronous execution waits before it continues asynchronously."
    )
    max_attempts: int = setting(3, "Number of lost workers after which a job fails.", minimum=1)
    keep_days: float = setting(30, "Days after which finished jobs and their files are removed. 0 keeps them.")
    time_limit_s: float = setting(
        86400, "Longest run time of a job in seconds. 0: no limit. A process may set a lower limit."
    )
    memory_limit_bytes: int = setting(
        0,
        "Memory of each process of a job, and of all commands of a package together. 0: no limit. A process may "
        "set a lower limit.",
    )
    cancel_grace_s: float = setting(2, "Seconds that a dismissed job gets to clean up before it is ended.")
    schedule_catch_up_s: float = setting(
        3600, "How many seconds later a missed firing of a schedule is still made up for, once.", minimum=60
    )
    log_lines: int = setting(10000, "Lines kept in the log of a job. Later lines are counted but not kept.")
    reuse_steps: bool = setting(
        False,
        "Reuse the outputs of earlier successful runs of the same step of a package. If false, jobs ask for it "
        "(`reuse`).",
    )
    reuse_keep_days: float = setting(
        7, "Days after which outputs of steps that were not reused are removed. 0 keeps them."
    )
    reuse_bytes: int = setting(
        10 * 2**30, "Size of all outputs of steps kept for reuse. The least recently used make room for new ones."
    )


@dataclass(frozen=True)
class LimitsSettings:
    """What a client may send, and how much room it may take."""

    body_bytes: int = setting(10 * 2**20, "Largest request body. A larger one is refused with 413.", minimum=1)
    package_bytes: int = setting(
        4 * 2**20,
        "Largest application package, and largest document that it refers to. A larger one is refused with 413.",
    )
    work_bytes: int = setting(
        50 * 2**30, "Size of the work folder of a job, inputs included. Exceeding it fails the job. 0: no limit."
    )
    work_files: int = setting(
        1000000, "Files and folders in the work folder of a job. Exceeding it fails the job. 0: no limit."
    )
    file_bytes: int = setting(10 * 2**30, "Largest input given by reference. A larger one fails the job.")
    inline_bytes: int = setting(
        2**20,
        "Largest file included by value in a results document, where the client left the choice to the server.",
    )
    queue: int = setting(100000, "Longest queue of accepted jobs. Further jobs are refused with 503 and Retry-After.")
    schedules: int = setting(1000, "Number of schedules kept. Further ones are refused with 409.")
    fetch_timeout_s: float = setting(30, "Longest silence in seconds of a server from which an input is fetched.")


@dataclass(frozen=True)
class LogSettings:
    """What is logged."""

    level: str = setting(
        "INFO",
        "Least severe level that is logged: DEBUG, INFO, WARNING or ERROR.",
        choices=("DEBUG", "INFO", "WARNING", "ERROR"),
    )
