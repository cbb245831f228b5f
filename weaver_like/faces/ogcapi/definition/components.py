"""JSON Schemas of the documents, as the OpenAPI document shows them."""

from weaver_like.deployment.refine import PATCH_SCHEMA
from weaver_like.domain.step import StepStatus
from weaver_like.faces.ogcapi.documents.execute import EXECUTE_SCHEMA
from weaver_like.faces.ogcapi.documents.schedule import SCHEDULE_SCHEMA
from weaver_like.schemas.jsontext import JsonObject

_TEXT, _WHOLE = {"type": "string"}, {"type": "integer"}
_LINKS = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
_TIME = {"type": "string", "format": "date-time"}


def _object(required: list[str], **properties: JsonObject) -> JsonObject:
    schema: JsonObject = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    return schema


SCHEMAS: dict[str, JsonObject] = {
    "link": _object(["href"], href=_TEXT, rel=_TEXT, type=_TEXT, hreflang=_TEXT, title=_TEXT),
    "bbox": _object(
        ["bbox"],
        bbox={"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6},
        crs={"type": "string", "format": "uri"},
    ),
    "exception": _object(
        ["type"],
        type=_TEXT,
        title=_TEXT,
        status=_WHOLE,
        detail=_TEXT,
        instance=_TEXT,
        errors={"type": "array", "items": _object(["pointer", "detail"], pointer=_TEXT, detail=_TEXT)},
    ),
    "landingPage": _object(["links"], title=_TEXT, description=_TEXT, links=_LINKS),
    "confClasses": _object(["conformsTo"], conformsTo={"type": "array", "items": _TEXT}),
    "processSummary": _object(
        ["id", "version"],
        id=_TEXT,
        version=_TEXT,
        title=_TEXT,
        description=_TEXT,
        keywords={"type": "array", "items": _TEXT},
        jobControlOptions={
            "type": "array",
            "items": {"type": "string", "enum": ["sync-execute", "async-execute", "dismiss"]},
        },
        outputTransmission={"type": "array", "items": {"type": "string", "enum": ["value", "reference"]}},
        mutable={"type": "boolean"},
        links=_LINKS,
    ),
    "processList": _object(
        ["processes", "links"],
        processes={"type": "array", "items": {"$ref": "#/components/schemas/processSummary"}},
        links=_LINKS,
    ),
    "deployment": {
        "allOf": [
            {"$ref": "#/components/schemas/processSummary"},
            _object(
                [],
                processes={"type": "array", "items": {"$ref": "#/components/schemas/processSummary"}},
                warnings={"type": "array", "items": _TEXT},
            ),
        ]
    },
    "revisions": _object(
        ["id", "current", "revisions", "links"],
        id=_TEXT,
        current=_TEXT,
        links=_LINKS,
        revisions={
            "type": "array",
            "items": _object(
                ["version", "deployed", "current"],
                version=_TEXT,
                deployed=_TIME,
                current={"type": "boolean"},
                links=_LINKS,
            ),
        },
    ),
    "patch": PATCH_SCHEMA,
    "process": {
        "allOf": [
            {"$ref": "#/components/schemas/processSummary"},
            _object(
                [],
                inputs={
                    "type": "object",
                    "additionalProperties": _object(
                        ["schema"], title=_TEXT, description=_TEXT, minOccurs=_WHOLE, schema={"type": "object"}
                    ),
                },
                outputs={
                    "type": "object",
                    "additionalProperties": _object(
                        ["schema"], title=_TEXT, description=_TEXT, schema={"type": "object"}
                    ),
                },
            ),
        ]
    },
    "statusInfo": _object(
        ["jobID", "status", "type"],
        jobID=_TEXT,
        id=_TEXT,
        processID=_TEXT,
        type={"type": "string", "enum": ["process"]},
        processingEntityType=_TEXT,
        status={"type": "string", "enum": ["accepted", "running", "successful", "failed", "dismissed"]},
        message=_TEXT,
        created=_TIME,
        started=_TIME,
        finished=_TIME,
        updated=_TIME,
        progress={"type": "integer", "minimum": 0, "maximum": 100},
        percentCompleted=_WHOLE,
        title=_TEXT,
        parentID=_TEXT,
        priority=_WHOLE,
        links=_LINKS,
    ),
    "jobList": _object(
        ["jobs", "links"], jobs={"type": "array", "items": {"$ref": "#/components/schemas/statusInfo"}}, links=_LINKS
    ),
    "results": {"type": "object", "additionalProperties": {}},
    "inputs": _object(
        ["inputs"], processID=_TEXT, inputs={"type": "object"}, outputs={"type": "object"}, response=_TEXT, links=_LINKS
    ),
    "outputs": _object(
        ["outputs"],
        outputs={"type": "array", "items": _object(["id", "href"], id=_TEXT, href=_TEXT, type=_TEXT, length=_WHOLE)},
        links=_LINKS,
    ),
    "log": _object(
        ["logs"],
        logs={
            "type": "array",
            "items": _object(
                ["number", "time", "level", "message"],
                number=_WHOLE,
                time=_TIME,
                level=_TEXT,
                progress=_WHOLE,
                message=_TEXT,
            ),
        },
        links=_LINKS,
    ),
    "steps": _object(
        ["steps"],
        steps={
            "type": "array",
            "items": _object(
                ["number", "name", "status"],
                number=_WHOLE,
                name=_TEXT,
                status={"type": "string", "enum": [str(status) for status in StepStatus]},
                message=_TEXT,
                started=_TIME,
                finished=_TIME,
                jobID=_TEXT,
                command=_TEXT,
                exitCode=_WHOLE,
                signal=_WHOLE,
                cpuSeconds={"type": "number"},
                peakMemoryBytes=_WHOLE,
                log={"type": "array", "items": _TEXT},
            ),
        },
        links=_LINKS,
    ),
    "exceptions": _object(
        ["exceptions"], exceptions={"type": "array", "items": {"$ref": "#/components/schemas/exception"}}, links=_LINKS
    ),
    "statistics": _object(
        [],
        queuedSeconds={"type": "number"},
        wallSeconds={"type": "number"},
        cpuSeconds={"type": "number"},
        peakMemoryBytes=_WHOLE,
        bytesIn={"type": "object", "additionalProperties": _WHOLE},
        bytesOut={"type": "object", "additionalProperties": _WHOLE},
        bytesInTotal=_WHOLE,
        bytesOutTotal=_WHOLE,
        links=_LINKS,
    ),
    "schedule": _object(
        ["id", "process", "cron", "timeZone", "created", "nextFiring", "links"],
        id=_TEXT,
        process=_TEXT,
        cron=_TEXT,
        timeZone=_TEXT,
        title=_TEXT,
        created=_TIME,
        nextFiring=_TIME,
        lastFiring=_TIME,
        lastJobID=_TEXT,
        lastFailure=_TEXT,
        inputs={"type": "object"},
        outputs={"type": "object"},
        response=_TEXT,
        priority=_WHOLE,
        reuse={"type": "boolean"},
        links=_LINKS,
    ),
    "scheduleList": _object(
        ["schedules", "links"],
        schedules={"type": "array", "items": {"$ref": "#/components/schemas/schedule"}},
        links=_LINKS,
    ),
    "newSchedule": SCHEDULE_SCHEMA,
    "plugins": _object(
        ["plugins"],
        plugins={
            "type": "array",
            "items": _object(
                ["name", "processes"], name=_TEXT, processes={"type": "array", "items": _TEXT}, error=_TEXT
            ),
        },
        links=_LINKS,
    ),
    "execute": EXECUTE_SCHEMA,
}
