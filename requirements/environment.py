"""Sets up .venv from a lock file: `python environment.py base|dev`. Standard library only, for nothing is there yet.

In this order, each step only where something changed since the last time:

1. what cannot be installed from here is asked for in one sentence: Python's venv module, a C compiler, Python's headers
   (zbar-py, the second QR reader, comes as source);
2. the build backend, hash-pinned (`build.txt`), so that nothing is built with anything unpinned;
3. everything else, hash-pinned (`base.txt` for the demo, `dev.txt` for the checks), source packages built with 2;
4. the project itself, editable, with no dependencies looked up: `--require-hashes` would refuse a folder.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
VENV = ROOT / ".venv"
LEAST = (3, 11)


def main(arguments: list[str]) -> int:
    if arguments not in (["base"], ["dev"]):
        return _say("usage: environment.py base|dev")
    which = arguments[0]
    if sys.version_info < LEAST:
        return _say(f"Python {sys.version.split()[0]} is too old: install Python 3.11 or newer, then run make again.")
    if _is_done(which):
        return 0
    if (missing := _missing()) is not None:
        return _say(missing)
    python = _virtual_environment()
    hashed = ("--require-hashes", "--no-deps")
    for step, options in (
        ("the build backend", (*hashed, "-r", str(LOCKS / "build.txt"))),
        ("the packages, by their hashes", (*hashed, "--no-build-isolation", "-r", str(LOCKS / f"{which}.txt"))),
        ("Sealtrail itself", ("--no-deps", "--no-build-isolation", "-e", str(ROOT))),
    ):
        sys.stdout.write(f"Installing {step} ...\n")
        sys.stdout.flush()
        if (trouble := _pip(python, *options)) is not None:
            return _say(f"{trouble}\nInstalling {step} failed: see above, and run make again when it is mended.")
    _stamp(which).write_text(_key(which), encoding="utf-8")
    return 0


def _is_done(which: str) -> bool:
    """Whether this very lock, or the larger one that holds it, is installed already."""
    enough = ("dev",) if which == "dev" else ("base", "dev")
    return any(
        _stamp(name).is_file() and _stamp(name).read_text(encoding="utf-8") == _key(name) and _works(_python())
        for name in enough
    )


def _stamp(which: str) -> Path:
    return VENV / f".sealtrail-{which}"


def _key(which: str) -> str:
    """Changes with whatever decides what is installed: both locks and the project's own metadata."""
    hashed = hashlib.sha256()
    for file in (LOCKS / "build.txt", LOCKS / f"{which}.txt", ROOT / "pyproject.toml"):
        hashed.update(file.read_bytes())
    return hashed.hexdigest()


def _missing() -> str | None:
    """What only the machine's own package manager can install, in one sentence with the command; None when all is there."""
    debian, version = shutil.which("apt-get") is not None, f"{sys.version_info.major}.{sys.version_info.minor}"
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        # On Debian the package carries the version, for python3-venv belongs to the default Python alone.
        return f"Python's venv module is missing: run `sudo apt-get install python{version}-venv`, then make again."
    compilers = ((sysconfig.get_config_var("CC") or "cc").split()[0], "cc", "gcc", "clang")
    if not any(shutil.which(compiler) for compiler in compilers):
        command = "sudo apt-get install gcc libc6-dev" if debian else "xcode-select --install"
        if not debian and sys.platform != "darwin":
            command = "sudo dnf install gcc"
        return f"A C compiler is missing (zbar-py is built from source): run `{command}`, then make again."
    if not (Path(sysconfig.get_path("include")) / "Python.h").is_file():
        command = f"sudo apt-get install python{version}-dev" if debian else f"sudo dnf install python{version}-devel"
        return f"Python's C headers are missing (zbar-py is built from source): run `{command}`, then make again."
    return None


def _python() -> Path:
    return VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _works(python: Path) -> bool:
    """Whether the interpreter starts: a Python that was upgraded or moved away leaves a dead link."""
    check = f"import pip, sys; sys.exit(sys.version_info < {LEAST})"
    try:
        return subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0  # noqa: S603
    except OSError:
        return False


def _virtual_environment() -> Path:
    if not _works(_python()):
        sys.stdout.write("Making .venv ...\n")
        sys.stdout.flush()
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)  # noqa: S603
    return _python()


def _pip(python: Path, *options: str) -> str | None:
    """Runs pip install; None when it went well, else the end of what it said, with no address of any index in it."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode == 0:
        return None
    lines = (done.stdout + done.stderr).strip().splitlines()[-25:]
    return re.sub(r"\b(https?|file)://\S+", "(address)", "\n".join(lines))


def _say(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
