"""`weaver-like store copy` as an operator calls it."""

import os
import subprocess
import sys
from pathlib import Path

COMMAND = [str(Path(sys.executable).parent / "weaver-like"), "store", "copy"]


def run(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, env=dict(os.environ))
