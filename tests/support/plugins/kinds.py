"""Every kind of input and of output."""

import datetime
import enum
import typing
from pathlib import Path
from typing import Annotated, Literal

from weaver_like.authoring import BoundingBox, Context, File, Input, Output, process


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


def told(value: object) -> str:
    return f"{type(value).__name__}:{value}"


@process(id="kinds", outputs={"told": dict})
def kinds(
    text: str,
    whole: int,
    real: float,
    yes: bool,
    items: list,
    numbers: list[int],
    thing: dict,
    letter: Literal["a", "b"],
    level: Literal[1, 2],
    colour: Colour,
    moment: datetime.datetime,
    day: datetime.date,
    box: BoundingBox,
    file: File,
    path: Path,
    absent: str | None = None,
    colour2: Colour = Colour.BLUE,
    day2: datetime.date = datetime.date(2024, 2, 29),
    number: int = 5,
    maybe: typing.Optional[int] = 7,  # noqa: UP045, the older spelling works too
    bounded: Annotated[float, Input(title="Bounded", minimum=0, maximum=1)] = 0.5,
    coded: Annotated[str, Input(pattern="^[A-Z]{3}$")] = "ABC",
    dates: Annotated[list[datetime.date], Input(min_occurs=0, max_occurs=3)] = (),
    files: Annotated[list[File], Input(min_occurs=0, max_occurs=None, media_types=["text/plain"])] = (),
) -> dict:
    """One input of every kind."""
    given = dict(locals())
    given |= {
        "file": file.read_text(),
        "path": path.read_text(),
        "files": [one.read_text() for one in files],
        "dates": [told(one) for one in dates],
    }
    return {"told": {name: told(value) for name, value in given.items()}}


@process(
    id="gives",
    outputs={
        "number": float,
        "flag": bool,
        "list": list[int],
        "thing": dict,
        "colour": Colour,
        "moment": datetime.datetime,
        "day": datetime.date,
        "box": BoundingBox,
        "file": Annotated[File, Output(media_types=["text/csv"])],
        "path": Path,
        "files": list[File],
        "twin": File,
        "left": Annotated[str, Output(optional=True)],
    },
)
def gives(context: Context) -> dict:
    names = ["a.txt", "b.txt", "t.csv", "x.bin"]
    for name in names:
        (context.workdir / name).write_text(name)
    return {
        "number": 0.1,
        "flag": False,
        "list": (1, 2),
        "thing": {"day": datetime.date(2024, 1, 2), "set": {1}},
        "colour": Colour.RED,
        "moment": datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC),
        "day": datetime.date(2024, 1, 2),
        "box": BoundingBox((1, 2, 3, 4)),
        "file": File(Path("t.csv"), "text/csv"),
        "path": context.workdir / "x.bin",
        "files": [File(Path("a.txt")), File(Path("b.txt"), "text/x-b")],
        "twin": File(Path("t.csv")),
    }


@process
def plain_return(text: str = "x") -> str:
    return text.upper()
