"""A real browser without a window, driven by what its pages tell."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

#: The sandbox of the browser itself needs a user other than root.
_OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
_QUIET = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"]


@pytest.fixture
def browse(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Opens a page in a browser, which is closed at the end of the test: `browse("http://127.0.0.1:8000/page")`."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("There is no browser: install chromium.")
    opened: list[subprocess.Popen] = []

    def open_page(url: str) -> None:
        profile = tmp_path / f"browser{len(opened)}"
        # The port of the debugger keeps it open after the page has loaded.
        command = [program, *_OPTIONS, *_QUIET, f"--user-data-dir={profile}", "--remote-debugging-port=0", url]
        opened.append(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "HOME": str(tmp_path)},
            )
        )

    yield open_page
    for process in opened:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
