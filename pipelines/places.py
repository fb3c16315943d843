"""Where things are when nothing is configured: a kept folder beside the code, which no version control sees."""

import os
import sys
from pathlib import Path

from signing_core.storage.durable import make_folder, write_file
from signing_core.storage.locks import file_lock
from signing_core.storage.settings_file import FILE_NAME

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".sealtrail"
SAMPLE = KEPT / "workspace"
HOME = KEPT / "dagster"
_DOCUMENTS = 24


def workspace_path() -> Path:
    """SEALTRAIL_WORKSPACE, else the sample workspace."""
    named = os.environ.get("SEALTRAIL_WORKSPACE")
    return Path(named).absolute() if named else SAMPLE


def is_missing_sample(path: Path) -> bool:
    """Whether this is the sample workspace and it was not made yet."""
    return path == SAMPLE and not (path / FILE_NAME).is_file()


def make_sample(path: Path = SAMPLE) -> None:
    """Seed the sample workspace unless it is there; what was planted is listed beside it."""
    from signing_core.seeding import seed

    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    with file_lock(path.parent / "seeding.lock", wait=600):
        if (path / FILE_NAME).is_file():
            return
        # A seeding that was killed left a workspace without its story's end; it is made anew beside and renamed.
        unfinished = path.with_name(f"{path.name}.unfinished")
        if unfinished.exists():
            import shutil

            shutil.rmtree(unfinished)
        seed(unfinished, documents=_DOCUMENTS, planted=path.parent / "planted.json")
        unfinished.rename(path)


def make_home() -> Path:
    """The kept DAGSTER_HOME: pools, limits and what is kept of ticks are in its dagster.yaml, to be changed there."""
    for folder in (KEPT, HOME):
        make_folder(folder)
    settings = HOME / "dagster.yaml"
    if not settings.exists():
        write_file(settings, (Path(__file__).parent / "dagster.yaml").read_bytes(), mode=0o644)
    return HOME


def main(arguments: list[str]) -> None:
    """Webserver and daemon on the sample workspace or SEALTRAIL_WORKSPACE; arguments go to `dagster dev`."""
    os.environ.setdefault("DAGSTER_HOME", str(make_home()))
    path = workspace_path()
    if is_missing_sample(path):
        sys.stdout.write(f"Making a sample workspace of {_DOCUMENTS} documents in {path} ...\n")
        sys.stdout.flush()
        make_sample(path)
    os.chdir(ROOT)
    program = str(Path(sys.executable).parent / "dagster")
    os.execv(program, [program, "dev", "-w", "workspace.yaml", *arguments])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
