"""A fixed sample of what `make fuzz` asks five programs, and that the generator makes files that deceive."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

READINGS = Path(__file__).with_name("readings.py")
sys.path.append(str(READINGS.parent))

import readings  # noqa: E402
import seeds  # noqa: E402


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_sample_of_readings(tmp_path: Path) -> None:
    """The same cases each time, so that what it says of a change is about the change."""
    command = [sys.executable, str(READINGS), "--cases", "400", "--jobs", "1", "--seed", "1", "--finds", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=290, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 kinds of finds" in done.stdout


def test_the_generator_makes_what_deceives() -> None:
    """Some of its files show another page in a viewer: without them the fuzzer would prove nothing."""
    chosen = readings.base(seeds.own()["signed"])
    assert chosen is not None
    shown = [readings.by_pdfium(readings.made(chosen, "signed", number)) for number in range(150)]
    assert any(words is not None and "OTHER TEXT" in words[0] for words in shown)
    assert sum(words == chosen.words for words in shown) > 20
