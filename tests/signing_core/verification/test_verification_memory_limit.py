"""The memory that one document is given counts from what its process has already."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")

PROGRAM = """
import mmap, sys
from signing_core.verification.batch import Limits, Rules, verify_many
from signing_core.limited.limits import limit_memory
from datetime import UTC, datetime

LARGE = 3 * 1024**3 + 1
if __name__ == "__main__":
    mapped = mmap.mmap(-1, LARGE)  # as a process does that has loaded much and uses little of it
    if sys.argv[1] == "verify":
        (verdict,) = verify_many([sys.argv[2]], Rules(at=datetime.now(UTC)))
        print(verdict.integrity)
    else:
        limit_memory(100 * 1024**2)
        small = bytearray(20 * 1024**2)
        try:
            bytearray(200 * 1024**2)
        except MemoryError:
            print("limited")
"""


def run(tmp_path: Path, *arguments: str) -> str:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run([sys.executable, program, *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_large_process_can_verify(tmp_path: Path) -> None:
    from signing_core.testing import contract

    file = tmp_path / "letter.pdf"
    file.write_bytes(contract(1))
    assert run(tmp_path, "verify", str(file)) == "unsigned"


def test_and_the_limit_holds(tmp_path: Path) -> None:
    assert run(tmp_path, "limit") == "limited"
