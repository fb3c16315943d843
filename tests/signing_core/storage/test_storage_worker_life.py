"""A killed process leaves none of its workers behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from signing_core.storage.worker_life import end_with_parent

if __name__ == "__main__":
    with ProcessPoolExecutor(2, multiprocessing.get_context(sys.argv[1]), initializer=end_with_parent) as pool:
        waits = pool.submit(time.sleep, 600)
        print(*{process for _ in range(50) for process in [pool.submit(os.getpid).result()]}, *pool._processes, flush=True)
        waits.result()
"""


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # One that nobody has waited for yet is no process any more.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return not state.stdout.startswith("Z") and bool(state.stdout)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_the_workers_of_a_killed_process_end(tmp_path: Path, method: str) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM)
    with subprocess.Popen([sys.executable, str(file), method], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        workers = {int(one) for one in process.stdout.readline().split()}
        try:
            assert len(workers) == 2
            assert all(alive(one) for one in workers)
            process.kill()
            process.wait()
            for _ in range(100):
                if not any(alive(one) for one in workers):
                    break
                time.sleep(0.1)
            assert not [one for one in workers if alive(one)]
        finally:
            process.kill()
            for one in workers:
                if alive(one):
                    os.kill(one, 9)
