"""The binary: where it is, and how it is run."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Sequence


class KsegError(RuntimeError):
    """What was asked for could not be done; the text is kseg's own message."""


class Damaged(KsegError):
    """Damage was met, and reading stopped there. With ``salvage=True`` it continues after it."""


def find_binary() -> str:
    """The path of the binary: ``$KSEG``, that of this package, or that on the ``PATH``.

    Raises KsegError if there is none.
    """
    named = os.environ.get("KSEG")
    if named:
        return named
    for scheme in (None, "posix_user"):
        scripts = sysconfig.get_path("scripts", scheme) if scheme else sysconfig.get_path("scripts")
        own = Path(scripts or "") / "kseg"
        if own.is_file():
            return str(_executable(own))
    found = shutil.which("kseg")
    if found is None:
        raise KsegError("the kseg binary is not installed: set KSEG to its path")
    return found


def _executable(path: Path) -> Path:
    """The path, made executable: Spark ships files without that permission."""
    mode = path.stat().st_mode
    if not mode & stat.S_IXUSR:
        path.chmod(mode | stat.S_IXUSR)
    return path


class Process:
    """A running kseg, ended when the block is left: what is not read is not computed."""

    def __init__(self, args: Sequence[str], binary: str | None = None) -> None:
        # A file, not a pipe: a pipe that nobody reads would stop kseg when it is full.
        self._errors: IO[bytes] = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [binary or find_binary(), *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        assert self._process.stdout is not None
        self.out: IO[bytes] = self._process.stdout

    def __enter__(self) -> Process:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.out.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._errors.close()

    def finish(self) -> int:
        """Waits for the end. Returns 0, or 1 if there was something to see.

        Raises KsegError if it was not done.
        """
        status = self._process.wait()
        if status not in (0, 1):
            raise KsegError(self.said())
        return status

    def said(self) -> str:
        """What it said on standard error."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()


def run(args: Sequence[str], binary: str | None = None) -> bytes:
    """Runs kseg to the end and returns what it printed, damage or not."""
    with Process(args, binary) as process:
        printed = process.out.read()
        process.finish()
        return printed
