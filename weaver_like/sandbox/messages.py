"""Messages between a worker, its zygote and the zygote's child."""

import signal
from dataclasses import field
from typing import Any

from weaver_like.domain.codec import Codec, message
from weaver_like.domain.messages import Answer, ChildMessage, JobEnded, RunInput, StepChange


@message("member")
class ForkMember:
    """To the nursery: fork a worker or a zygote.

    Args:
        module: its `be_member(order, descriptors)` is all that the member does.
        name: shown by `ps -o comm`, at most 15 letters.
        descriptors: how many come with this: first where its process id and then its end is told, then its own.
        linked: the last one is a link to the nursery, for a worker; then the kernel kills it when the nursery ends.
        warm: modules that the nursery must have imported.
        folder: where it works, for a zygote.
        environment: of a zygote.
    """

    module: str
    name: str
    descriptors: int
    linked: bool = False
    warm: tuple[str, ...] = ()
    folder: str = ""
    environment: dict[str, str] = field(default_factory=dict)


@message("warm")
class WarmModules:
    """To the nursery: import modules, for what it forks from now on."""

    modules: tuple[str, ...]


@message("signal")
class SignalMember:
    """To the nursery."""

    pid: int
    number: int


@message("fork")
class ForkChild:
    """To the zygote, with two descriptors: the child's end of its channel, and the target of what it prints."""


@message("signal")
class SignalChild:
    """To the zygote: signal the whole group of the running child."""

    number: int


@message("prepare")
class PrepareTarget:
    """To the zygote: have a runner read a target that it will run repeatedly."""

    module: str
    target: dict[str, Any]


@message("started")
class ChildStarted:
    """From the zygote."""

    pid: int


@message()
class ChildExit:
    """How a child ended, with all that it started. code: exit code, or None.  signal: what killed it, or None."""

    code: int | None
    signal: int | None
    cpu_s: float
    peak_bytes: int

    def reason(self) -> str:
        if self.signal is not None:
            return f"was killed by signal {self.signal} ({signal.strsignal(self.signal)})"
        return f"ended with code {self.code}"


@message("ended")
class ChildEnded:
    """From the zygote."""

    pid: int
    exit: ChildExit


@message()
class ChildLimits:
    """Limits of the child itself; 0: none. tasks: processes and threads that its user may have in addition."""

    memory_bytes: int = 0
    file_bytes: int = 0
    tasks: int = 0


@message()
class ReuseFolder:
    """Where outputs of steps are kept, for runs that may reuse them. most_bytes: of all together."""

    path: str
    most_bytes: int


@message()
class CommandGroup:
    """What all commands of a run may use together. folders: control groups that each joins.  Limits: 0 means none."""

    folders: tuple[str, ...] = ()
    processes: int = 0
    memory_bytes: int = 0
    cores: float = 0


@message("run")
class RunJob:
    """Run an execution unit.

    Args:
        target: of the execution unit.
        options: of the operator, as the `Runner` has them.
        inputs: id -> occurrences.
        outputs: id of each requested output -> the requested media type, or None.
        reuse: None unless the job may reuse outputs of steps.
        secrets: ids of inputs whose values no text may show.
    """

    job_id: str
    process_id: str
    target: dict[str, Any]
    options: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, tuple[RunInput, ...]] = field(default_factory=dict)
    outputs: dict[str, str | None] = field(default_factory=dict)
    reuse: ReuseFolder | None = None
    group: CommandGroup = CommandGroup()
    secrets: tuple[str, ...] = ()


@message("inspect")
class InspectPackage:
    """Read an application package.

    Args:
        files: name -> base64.
        main: name of the document to begin with.
        wanted: entries of `$graph`; "*" is all of them; empty: the one that the package is about.
        origin: URL below which files may be that the package lacks; empty: there is none.
        server: URL of this server, whose processes steps may name by theirs; empty: it is not known.
    """

    files: dict[str, str]
    main: str
    wanted: tuple[str, ...]
    origin: str
    server: str = ""


@message("parse")
class ParseTexts:
    """Read YAML or JSON. texts: name -> base64."""

    texts: dict[str, str]


Task = RunJob | InspectPackage | ParseTexts


@message("request")
class ChildRequest:
    """The first message to a child. module: of the runner.  workdir: where it works, and keeps temporary files."""

    module: str
    workdir: str
    task: Task
    limits: ChildLimits = ChildLimits()


ToNursery = ForkMember | WarmModules | SignalMember
ToZygote = ForkChild | SignalChild | PrepareTarget
FromZygote = ChildStarted | ChildEnded
#: What a worker says to the child that runs a job.
FromWorkerToChild = Answer | JobEnded
ToChild = ChildRequest | FromWorkerToChild
TO_NURSERY: Codec[ToNursery] = Codec(ToNursery)
TO_ZYGOTE: Codec[ToZygote] = Codec(ToZygote)
FROM_ZYGOTE: Codec[FromZygote] = Codec(FromZygote)
TO_CHILD: Codec[ToChild] = Codec(ToChild)
#: An ill-formed step is ignored: it must not fail the job.
FROM_CHILD: Codec[ChildMessage] = Codec(ChildMessage, dispensable=[StepChange])
