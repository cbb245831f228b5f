"""Processes that are done, but not quite at their end."""

import subprocess
import sys
import threading
import time
from pathlib import Path

from weaver_like.authoring import Context, File, process


@process(id="prints-last")
def prints_last(lines: int) -> int:
    """Print until the very end, the last line without an end."""
    for number in range(lines):
        print("line", number)
    print("the last words", end="")
    return lines


@process(id="leaves-process", outputs={"file": File, "pid": int})
def leaves_process(context: Context) -> dict[str, object]:
    """Leave a process behind that would change the result a moment later."""
    file = context.workdir / "result.txt"
    file.write_text("early")
    code = f"import time; time.sleep(0.3); open({str(file)!r}, 'a').write(' late'); time.sleep(60)"
    left = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    return {"file": File(file), "pid": left.pid}


@process(id="leaves-thread")
def leaves_thread(context: Context) -> File:
    """Leave a thread behind that changes the result for as long as it may."""
    file = context.workdir / "result.txt"
    file.write_text("x")
    threading.Thread(target=_write_on, args=(file,), daemon=True).start()
    return File(file)


def _write_on(file: Path) -> None:
    while True:
        with file.open("a") as more:
            more.write("x" * 4096)


@process(id="works-hard")
def works_hard(seconds: float) -> int:
    """Use the processor, half of it in a process that is waited for."""
    code = "import time\nwhile time.process_time() < float(__import__('sys').argv[1]): pass"
    subprocess.run([sys.executable, "-c", code, str(seconds / 2)], check=True)
    end = time.process_time() + seconds / 2
    while time.process_time() < end:
        pass
    return 1
