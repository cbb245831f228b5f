"""An execution as it is stored, and the parts of it that faces share: JSON <-> domain."""

from datetime import datetime

from weaver_like.domain.execution import Execution, OutputRequest, ResponseForm, Subscriber, Transmission
from weaver_like.domain.formats import Format
from weaver_like.domain.values import Occurrences
from weaver_like.schemas.inputs import parse_format, parse_item, render_format, render_item
from weaver_like.schemas.shape import to_pointer


def parse_outputs(given: dict | list) -> dict[str, OutputRequest]:
    entries = given.items() if isinstance(given, dict) else ((entry["id"], entry) for entry in given)
    return {
        name: OutputRequest(
            Transmission(entry["transmissionMode"]) if "transmissionMode" in entry else None, parse_format(entry)
        )
        for name, entry in entries
    }


def render_execution(execution: Execution) -> dict:
    """The mapping form, as it is stored; `parse_stored` reads it back, equal."""
    document: dict = {
        "inputs": {name: [render_item(item) for item in given.items] for name, given in execution.inputs.items()}
    }
    if execution.outputs is not None:
        document["outputs"] = render_outputs(execution)
    if execution.subscriber:
        document["subscriber"] = [
            execution.subscriber.success_uri,
            execution.subscriber.in_progress_uri,
            execution.subscriber.failed_uri,
        ]
    plain = {
        "response": execution.response,
        "priority": execution.priority,
        "mode": execution.mode,
        "title": execution.title,
        "return": execution.return_preference,
        "version": execution.version,
        "deployed": execution.deployed and execution.deployed.isoformat(),
        "reuse": execution.reuse or None,
    }
    return document | {key: value for key, value in plain.items() if value is not None}


def render_outputs(execution: Execution) -> dict:
    return {
        name: ({"transmissionMode": str(wanted.transmission)} if wanted.transmission else {})
        | ({"format": render_format(wanted.format)} if wanted.format != Format() else {})
        for name, wanted in (execution.outputs or {}).items()
    }


def parse_stored(document: dict) -> Execution:
    """Read what `render_execution` wrote."""
    outputs, subscriber = document.get("outputs"), document.get("subscriber")
    inputs = {}
    for name, rendered in document["inputs"].items():
        items = tuple(parse_item(raw) for raw in rendered)
        inputs[name] = Occurrences(items, tuple("/inputs" + to_pointer([name]) for _ in items))
    return Execution(
        inputs=inputs,
        outputs=None if outputs is None else parse_outputs(outputs),
        response=ResponseForm(document["response"]) if "response" in document else None,
        subscriber=Subscriber(*subscriber) if subscriber else None,
        priority=document.get("priority"),
        mode=document.get("mode"),
        title=document.get("title"),
        return_preference=document.get("return"),
        version=document.get("version"),
        reuse=document.get("reuse", False),
        deployed=datetime.fromisoformat(document["deployed"]) if "deployed" in document else None,
    )
