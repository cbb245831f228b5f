"""What a tool may have of processors and memory, and what it asks for."""

import math
import os
from collections.abc import Set
from dataclasses import dataclass
from typing import TypeAlias

from cwltool.errors import WorkflowException

#: As cwltool names them: cores, ram (MiB), tmpdirSize, outdirSize; of a request with Min and Max.
Resources: TypeAlias = dict[str, int | float]
_UNITS = {"cores": "cores", "ram": "MiB of memory"}


@dataclass(frozen=True, slots=True)
class Allowed:
    """By the operator, for all commands of a job together; 0: what the machine has."""

    cores: float = 0
    memory_bytes: int = 0

    def most(self) -> Resources:
        """cores: rounded up to whole ones, as CWL counts them; ram: in MiB."""
        machine_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return {
            "cores": math.ceil(self.cores) or len(os.sched_getaffinity(0)),
            "ram": (self.memory_bytes or machine_bytes) >> 20,
        }


def select(request: Resources, stated: Set[str], allowed: Allowed) -> Resources:
    """A request of cwltool -> what the tool gets. stated: names in the request that the tool itself gave; others bend.

    Raises: WorkflowException, if it asks for more than there is.
    """
    chosen: Resources = {}
    for name, most in allowed.most().items():
        least = request[f"{name}Min"]
        if least > most and stated & {f"{name}Min", f"{name}Max"}:
            raise WorkflowException(
                f"ResourceRequirement asks for {least:g} {_UNITS[name]} ({name}Min); "
                f"this server gives a job at most {most}."
            )
        chosen[name] = min(math.ceil(max(least, request[f"{name}Max"])), most)
    for name in ("tmpdir", "outdir"):
        chosen[f"{name}Size"] = math.ceil(request[f"{name}Min"])
    return chosen
