"""Process descriptions as they pass between OS processes, and are stored."""

from dataclasses import asdict

from weaver_like.domain.process import ExecutionUnit, InputDescription, JobControl, OutputDescription, Process


def render_stored(process: Process) -> dict:
    """The fields of `Process`, for JSON, as `parse_stored` reads them."""
    return asdict(process)


def parse_stored(document: dict) -> Process:
    """Read a description in the form in which it passes between OS processes, and is stored: the fields of `Process`."""
    return Process(
        **(
            document
            | {
                "unit": ExecutionUnit(**document["unit"]),
                "keywords": tuple(document.get("keywords", ())),
                "metadata": tuple(document.get("metadata", ())),
                "job_control": tuple(JobControl(option) for option in document["job_control"]),
                "inputs": {name: InputDescription(**_tuples(entry)) for name, entry in document["inputs"].items()},
                "outputs": {name: OutputDescription(**_tuples(entry)) for name, entry in document["outputs"].items()},
            }
        )
    )


def _tuples(entry: dict) -> dict:
    return entry | {"keywords": tuple(entry.get("keywords", ())), "metadata": tuple(entry.get("metadata", ()))}
