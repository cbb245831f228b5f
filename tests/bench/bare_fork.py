"""The baseline of a job: a small Python process forks a child that returns a value through a pipe.

Reads a number of forks per line, answers with a JSON list of seconds, each from before the fork to after the reaping.
"""

import json
import os
import sys
import time


def fork_once() -> float:
    """Fork, read the value, reap; the seconds that it took."""
    began = time.perf_counter()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write_end, b"value")
        os._exit(0)
    os.close(write_end)
    value = os.read(read_end, 64)
    os.close(read_end)
    os.waitpid(pid, 0)
    assert value == b"value"
    return time.perf_counter() - began


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps([fork_once() for _ in range(int(line))]), flush=True)
