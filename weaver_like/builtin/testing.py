"""Test processes: small, quick, of every kind of input; the official test suite and our own tests run them."""

import time
from typing import Annotated, Any, Literal

from weaver_like.authoring import BoundingBox, Context, File, Input, Output, process

_GEOTIFF = "image/tiff; application=geotiff"
_DOCUMENTS = ("text/plain", "text/xml", "application/json")
_FEATURES = {
    "type": "object",
    "format": "geojson-feature-collection",
    "contentMediaType": "application/geo+json",
    "required": ["type", "features"],
    "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": {"type": "object"}},
    },
}
_THING = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}


#: The clock of the system takes no more; the server ends the job long before.
_LONGEST_S = 10**8


def _optional(**kinds: object) -> dict[str, Any]:
    return {name: Annotated[kind, Output(optional=True)] for name, kind in kinds.items()}


def _given(**values: object) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@process(
    title="Echo",
    keywords=["test"],
    outputs=_optional(message=str, number=float, flag=bool, list=list[int], pause=int)
    | {
        "choice": Annotated[str, Output(schema={"enum": ["a", "b", "c"]}, optional=True)],
        "bbox": Annotated[BoundingBox, Output(optional=True)],
        "image": Annotated[File, Output(media_types=[_GEOTIFF], optional=True)],
    },
)
def echo(
    message: Annotated[str, Input(title="Any text")],
    number: float | None = None,
    flag: bool | None = None,
    list: list[int] | None = None,
    choice: Annotated[str | None, Input(schema={"enum": ["a", "b", "c"]})] = None,
    bbox: BoundingBox | None = None,
    image: Annotated[File | None, Input(media_types=[_GEOTIFF])] = None,
    pause: Annotated[
        int | None, Input(title="Seconds to wait", schema={"type": "integer", "minimum": 0, "default": 0})
    ] = None,
) -> dict[str, Any]:
    """Give back every input; wait before, if asked to."""
    time.sleep(min(pause or 0, _LONGEST_S))
    return _given(
        message=message, number=number, flag=flag, list=list, choice=choice, bbox=bbox, image=image, pause=pause
    )


@process(
    id="wps-echo",
    title="Echo of every WPS kind",
    keywords=["test"],
    outputs=_optional(literalOutput=str, numberOutput=float, multiOutput=list[str], bboxOutput=BoundingBox)
    | {
        "enumOutput": Annotated[Literal["a", "b", "c"], Output(optional=True)],
        "complexOutput": Annotated[File, Output(media_types=_DOCUMENTS, optional=True)],
    },
)
def wps_echo(
    literalInput: str | None = None,
    numberInput: Annotated[float | None, Input(schema={"type": "number", "format": "double"})] = None,
    enumInput: Literal["a", "b", "c"] | None = None,
    multiInput: Annotated[list[str] | None, Input(min_occurs=0, max_occurs=2)] = None,
    complexInput: Annotated[File | None, Input(media_types=_DOCUMENTS)] = None,
    bboxInput: BoundingBox | None = None,
) -> dict[str, Any]:
    """Give back every input as the output of the same beginning."""
    return _given(
        literalOutput=literalInput,
        numberOutput=numberInput,
        enumOutput=enumInput,
        multiOutput=multiInput,
        complexOutput=complexInput,
        bboxOutput=bboxInput,
    )


@process(
    id="geo-echo",
    title="Echo of structured inputs",
    keywords=["test"],
    outputs=_optional(word=str, words=list[str], level=int)
    | {
        "thing": Annotated[dict[str, Any], Output(schema=_THING, optional=True)],
        "document": Annotated[File, Output(media_types=_DOCUMENTS, optional=True)],
        "features": Annotated[dict[str, Any], Output(schema=_FEATURES, optional=True)],
    },
)
def geo_echo(
    word: str | None = None,
    words: Annotated[list[str] | None, Input(min_occurs=0, max_occurs=None)] = None,
    level: Annotated[int | None, Input(minimum=0, maximum=10)] = None,
    thing: Annotated[dict[str, Any] | None, Input(schema=_THING)] = None,
    document: Annotated[File | None, Input(media_types=_DOCUMENTS)] = None,
    features: Annotated[dict[str, Any] | None, Input(schema=_FEATURES)] = None,
) -> dict[str, Any]:
    """Give back every input."""
    return _given(word=word, words=words, level=level, thing=thing, document=document, features=features)


@process(id="pair-echo", title="Echo of exactly two texts", keywords=["test"], outputs={"pair": list[str]})
def pair_echo(pair: Annotated[list[str], Input(min_occurs=2, max_occurs=2)]) -> dict[str, Any]:
    """Give back both."""
    return {"pair": pair}


@process(id="echo-complex", title="Echo of a text document", keywords=["test"])
def echo_complex(
    complexInput: Annotated[File, Input(media_types=["text/plain"])],
) -> Annotated[File, Output(id="complexOutput", media_types=["text/plain"])]:
    """Give back the document."""
    return complexInput


@process(title="Greet", keywords=["test"])
def greet(name: Annotated[str, Input(title="Whom to greet")]) -> Annotated[str, Output(id="greeting")]:
    """Greet somebody by name."""
    return f"Hello {name}"


@process(title="Sleep", keywords=["test"])
def sleep(context: Context, delay: Annotated[float, Input(title="Seconds", minimum=0)] = 1) -> str:
    """Sleep, and report progress every 0.1 s; end at once when dismissed."""
    delay = min(delay, _LONGEST_S)
    end = time.monotonic() + delay
    while (left := end - time.monotonic()) > 0:
        context.check_cancelled()
        context.progress(100 * (1 - left / delay), f"{left:.1f} s left")
        time.sleep(min(0.1, left))
    return f"slept {delay:g} s"


@process(title="Fail", keywords=["test"])
def fail(message: str = "failed on request") -> str:
    """Fail with the given message."""
    raise RuntimeError(message)
