"""Write a file so that a crash at any moment leaves the old one or the new one, whole."""

from __future__ import annotations

import os
import platform
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

__all__ = ["write_atomically"]

_SUFFIX = ".tmp"


@contextmanager
def write_atomically(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of ``path`` if the block ends without an error.

    It is written beside ``path``, forced to the disk and renamed; then the folder is forced to the
    disk too. What earlier processes left behind when they were killed is swept away first.
    """
    path = path.resolve()
    _sweep(path)
    temporary = path.with_name(f"{_prefix(path)}{os.getpid()}-{uuid.uuid4().hex}{_SUFFIX}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _force_folder(path.parent)


def _prefix(path: Path) -> str:
    """Names this machine too: a shared folder may hold files of processes on another."""
    machine = re.sub(r"[^A-Za-z0-9.-]", "", platform.node())
    return f".{path.name}.{machine}."


def _sweep(path: Path) -> None:
    """Remove the temporary files for ``path`` whose process is no more."""
    prefix = _prefix(path)
    pattern = re.compile(re.escape(prefix) + r"(\d+)-[0-9a-f]{32}" + re.escape(_SUFFIX))
    for other in path.parent.iterdir():
        match = pattern.fullmatch(other.name)
        if match and not _is_alive(int(match[1])):
            other.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    if os.name != "posix":
        # There, signal 0 is no question but Ctrl-C.
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _force_folder(folder: Path) -> None:
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
