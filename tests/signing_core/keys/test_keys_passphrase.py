from __future__ import annotations

import stat
from pathlib import Path

import pytest

from signing_core.errors import KeyUnavailable
from signing_core.keys import files, passphrase


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    made = passphrase.create_file(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert passphrase.find(file, {}) == made
    assert passphrase.find(file, {"SEALTRAIL_PASSPHRASE": "from outside"}) == "from outside"
    assert len(made) >= 43


def test_a_passphrase_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    made = passphrase.create_file(file)
    with pytest.raises(KeyUnavailable, match="not overwritten"):
        passphrase.create_file(file)
    assert passphrase.find(file, {}) == made


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
def test_a_file_that_others_can_use_is_refused_with_the_command_that_helps(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "passphrase"
    passphrase.create_file(file)
    file.chmod(mode)
    with pytest.raises(KeyUnavailable, match="chmod 600"):
        passphrase.find(file, {})


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"secret\n", "secret"),
        (b"secret", "secret"),
        (b"se cret \r\nmore", "se cret "),
        ("geheim ü".encode(), "geheim ü"),
    ],
)
def test_the_first_line_counts(tmp_path: Path, content: bytes, found: str) -> None:
    files.write_atomically(tmp_path / "passphrase", content)
    assert passphrase.find(tmp_path / "passphrase", {}) == found


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\n", b"x" * 5000])
def test_what_is_no_passphrase_is_refused(tmp_path: Path, content: bytes) -> None:
    files.write_atomically(tmp_path / "passphrase", content)
    with pytest.raises(KeyUnavailable):
        passphrase.find(tmp_path / "passphrase", {})


def test_none_at_all_says_where_to_put_one(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="SEALTRAIL_PASSPHRASE"):
        passphrase.find(None, {})
    with pytest.raises(KeyUnavailable, match="nowhere"):
        passphrase.find(tmp_path / "nowhere", {})


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    files.write_atomically(path, b"old")

    def failing(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(KeyUnavailable, match="No space left"):
        files.write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
