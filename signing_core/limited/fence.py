"""A fence around a program that another one starts: what it may read, where it may write, and no TCP (Landlock of Linux, from 5.13 on).

Landlock only ever takes rights away, for good, and from all that the program starts in turn. It needs no right of its own.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

# landlock_create_ruleset, _add_rule, _restrict_self: the same on all processors
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_NO_NEW_PRIVILEGES: Final = 38  # PR_SET_NO_NEW_PRIVS
_READ: Final = 0b1101  # execute, read a file, list a folder
_ON_FILES: Final = 0b101  # of these, what there is to be done with a file
_ALL: Final = (1 << 13) - 1
_SINCE: Final = {2: 1 << 13, 3: 1 << 14}  # moving between folders, cutting off: by version of the interface
_SOCKETS: Final = 1 << 9  # making one, which is named by a file
_NET: Final = 0b11  # binding and connecting (TCP), from version 4 on


def version() -> int:
    """Of the kernel's interface; 0 where there is none."""
    try:
        return max(0, _call(_CREATE, None, 0, 1))
    except (OSError, AttributeError):
        return 0


def closing(readable: Iterable[Path], writable: Path) -> Callable[[], None]:
    """What a new process has to call before its program begins. Raises `OSError` where the system has no Landlock."""
    known = version()
    handled = _ALL | sum(right for since, right in _SINCE.items() if known >= since)
    attributes = struct.pack("=QQ", handled, _NET) if known >= 4 else struct.pack("=Q", handled)
    rules = _call(_CREATE, attributes, len(attributes), 0)
    # LibreOffice makes a socket there to be called by, whatever TMPDIR says; there is nothing that could be read from it.
    _allow(rules, Path("/tmp"), _SOCKETS)  # noqa: S108
    for path in readable:
        if path.exists():
            _allow(rules, path, _READ if path.is_dir() else _READ & _ON_FILES)
    _allow(rules, Path(os.devnull), _READ & _ON_FILES | 0b10)
    _allow(rules, writable, handled)

    def close() -> None:
        _checked(_libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        _call(_RESTRICT, rules, 0)

    return close


def _allow(rules: int, path: Path, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        _call(_ADD, rules, 1, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    return _checked(_libc().syscall(number, *arguments))


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "Landlock")
    return result
