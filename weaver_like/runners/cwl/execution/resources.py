"""What a tool may have of processors and memory, and what it asks for."""

import math
import os
from dataclasses import dataclass

from cwltool.errors import WorkflowException


@dataclass(frozen=True, slots=True)
class Allowed:
    """By the operator, for all commands of a job together; 0: what the machine has."""

    cores: float = 0
    memory_bytes: int = 0

    def most(self) -> dict[str, int]:
        """cores: rounded up to whole ones, as CWL counts them; ram: in MiB."""
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return {
            "cores": math.ceil(self.cores) or len(os.sched_getaffinity(0)),
            "ram": (self.memory_bytes or machine) >> 20,
        }


def select(request: dict[str, int | float], stated: set[str], allowed: Allowed) -> dict[str, int | float]:
    """A request of cwltool -> what the tool gets. stated: names in the request that the tool itself gave; others bend.

    Raises: WorkflowException, if it asks for more than there is.
    """
    chosen = {}
    for name, most in allowed.most().items():
        least = request[f"{name}Min"]
        if least > most and stated & {f"{name}Min", f"{name}Max"}:
            unit = "MiB of memory" if name == "ram" else "cores"
            raise WorkflowException(
                f"ResourceRequirement asks for {least:g} {unit} ({name}Min); this server gives a job at most {most}."
            )
        chosen[name] = min(math.ceil(max(least, request[f"{name}Max"])), most)
    return chosen | {f"{name}Size": math.ceil(request[f"{name}Min"]) for name in ("tmpdir", "outdir")}
