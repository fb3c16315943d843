"""Makes the lock files from pyproject.toml: `python lock.py [--upgrade]`, with uv from the dev extra.

One resolution serves Python 3.11 and newer on every platform (`--universal`); every file is pinned by its SHA-256; where
the files come from is left to each machine, so no index address is written.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = (
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--custom-compile-command=make lock",
    "--quiet",
)


def main(arguments: list[str]) -> int:
    backend = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    # The larger lock constrains the smaller one, so that the demo runs on what was tested.
    for output, source, options in (
        ("build.txt", "-", ()),
        ("dev.txt", "pyproject.toml", ("--all-extras", "--constraint=requirements/build.txt")),
        ("base.txt", "pyproject.toml", ("--extra=zbar", "--constraint=requirements/dev.txt")),
    ):
        command = [sys.executable, "-m", "uv", "pip", "compile", source, f"--output-file=requirements/{output}"]
        done = subprocess.run(  # noqa: S603
            [*command, *OPTIONS, *options, *arguments],
            cwd=ROOT,
            input="\n".join(backend) if source == "-" else None,
            text=True,
            check=False,
        )
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
