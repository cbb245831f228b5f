"""Gives back what it got, whatever way that came; files as their text."""

from typing import Annotated

from weaver_like.authoring import File, Input, process

Plain = Annotated[File | None, Input(media_types=["text/plain"])]
Document = Annotated[File | None, Input(media_types=["application/json"])]
Features = Annotated[File | None, Input(media_types=["application/geo+json"])]


@process(id="shows", outputs={"got": dict})
def shows(
    any: File | None = None,
    plain: Plain = None,
    document: Document = None,
    features: Features = None,
    files: Annotated[list[File], Input(min_occurs=0, max_occurs=None)] = (),
    text: str | None = None,
    whole: int | None = None,
    real: float | None = None,
    thing: dict | None = None,
    words: Annotated[list[str], Input(min_occurs=0, max_occurs=None)] = (),
    table: Annotated[list[list[str]], Input(min_occurs=0, max_occurs=None)] = (),
) -> dict:
    """One input of every kind."""
    return {"got": {name: _text(value) for name, value in dict(locals()).items()}}


def _text(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_text(part) for part in value]
    return value.read_text() if isinstance(value, File) else value
