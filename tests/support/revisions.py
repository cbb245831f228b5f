"""Deployed revisions for the tests of stores."""

from datetime import UTC, datetime, timedelta

from weaver_like.domain.package import Change, Package, Revision
from weaver_like.domain.process import ExecutionUnit, InputDescription, JobControl, OutputDescription, Process
from weaver_like.stores.base import DeploymentStore

T0 = datetime(2024, 5, 6, 7, 8, 9, 123456, UTC)
SECOND = timedelta(seconds=1)
MIB = 2**20
ODD = "Grüße \0 ☃ \U0001f600 \\ ' \" $set.a %s :x\r\n\t"
PACKAGE = Package('application/cwl+json; v="1.2"', bytes(range(256)) * 3)


def revision(
    process_id: str = "echo", version: str = "1.0.0", number: int = 0, content: bytes = b"{}", **more: object
) -> Revision:
    """number: seconds after `T0` of its deployment."""
    process = Process(process_id, version, ExecutionUnit("cwl", {"of": version}), **more)
    return Revision(process, Package("application/json", content), T0 + SECOND * number)


def full(process_id: str = "geo.ndvi-1", version: str = "1.0.0-rc.1+build.5") -> Revision:
    """Every field says something else than its default."""
    values = [2**70, -(2**63), 0.1, 1e300, None, True, ODD]
    schema = {"type": "object", "$ref": "#/a", "a.b": {"oneOf": [{"enum": values}, {"items": [[], {}, [[{}]]]}]}, "": 1}
    given = {
        "title": ODD,
        "description": "d",
        "keywords": ("a", ODD),
        "metadata": ({"role": "r", "value": {"x": [1]}}, {}),
    }
    inputs = {
        name: InputDescription(name, schema, **given, min_occurs=0, max_occurs=most)
        for name, most in (("z.1", None), ("$a", 3), (ODD, 1))
    }
    unit = ExecutionUnit("cwl", {"package": schema, "images": {"alpine:3.20": "sha256:0"}}, 1.5, 2**33, "gpu")
    process = Process(
        process_id,
        version,
        unit,
        **given,
        job_control=(JobControl.ASYNC,),
        inputs=inputs,
        outputs={"out.tif": OutputDescription("out.tif", schema, **given)},
        mutable=True,
    )
    return Revision(process, PACKAGE, T0, "alice@example.org", "group:maps")


def deploy(deployments: DeploymentStore, *revisions: Revision) -> None:
    """Each is the current one of its process afterwards."""
    current = {one.process.id: one.process.version for one in revisions}
    assert deployments.change(Change(deployments.get_number(), revisions, (), current))


def versions(deployments: DeploymentStore, process_id: str = "echo") -> list[str]:
    return [summary.version for summary in deployments.find_revisions(process_id)]
