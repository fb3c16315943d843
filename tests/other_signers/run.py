"""Signs with other software and judges the files: `python tests/other_signers/run.py --help`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[2]

if __name__ == "__main__":
    # The root first: `tests` has a folder of the name of our package as well.
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    sys.exit(import_module("other_signers.command").main())
