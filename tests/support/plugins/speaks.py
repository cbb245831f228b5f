"""Lines of a log, and progress."""

import time
from pathlib import Path

from weaver_like.authoring import Context, process


@process(id="speaks")
def speaks(context: Context, lines: int = 0, pause: float = 0, wait_for: str = "") -> str:
    for number in range(lines):
        context.log(f"line {number}")
        context.log("the same")
        if pause:
            context.progress(100 * number / lines, f"at {number}")
            time.sleep(pause)
    while wait_for and not Path(wait_for).exists():
        time.sleep(0.01)
    return "spoke"
