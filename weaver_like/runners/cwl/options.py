"""`CwlOptions`: what the operator allows packages, as it goes with each run to its child."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from weaver_like.sandbox.commands import Confinement
from weaver_like.sandbox.containers import Containers


@dataclass(frozen=True, slots=True)
class ExternalEngine:
    """Another engine for packages.

    command: with its options, empty: there is none.  processes: ids of those that it runs; "*": all.
    """

    command: tuple[str, ...] = ()
    processes: frozenset[str] = frozenset()

    def runs(self, process_id: str) -> bool:
        """Whether the operator has given a process to it."""
        return bool(self.command) and bool({"*", process_id} & self.processes)


@dataclass(frozen=True, slots=True)
class CwlOptions:
    """What the operator allows packages.

    Args:
        parallel: steps of one workflow that run at the same time; 0: one per core.
        cores: processors of all commands of a job together; 0: no limit.
    """

    confinement: Confinement = Confinement()
    containers: Containers = Containers()
    engine: ExternalEngine = ExternalEngine()
    parallel: int = 0
    cores: float = 0

    def render(self) -> dict[str, Any]:
        """As JSON; `parse` reads it back, equal."""
        return {
            "confinement": asdict(self.confinement),
            "containers": asdict(self.containers),
            "engine": {"command": list(self.engine.command), "processes": sorted(self.engine.processes)},
            "parallel": self.parallel,
            "cores": self.cores,
        }

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "CwlOptions":
        """Read what `render` wrote. Raises: KeyError, TypeError."""
        confinement, engine = document["confinement"], document["engine"]
        return cls(
            Confinement(
                kind=confinement["kind"],
                hidden=tuple(confinement["hidden"]),
                visible=tuple(confinement["visible"]),
                images=confinement["images"],
                user=tuple(confinement["user"]),
                network=confinement["network"],
            ),
            Containers(**document["containers"]),
            ExternalEngine(tuple(engine["command"]), frozenset(engine["processes"])),
            document["parallel"],
            document["cores"],
        )
