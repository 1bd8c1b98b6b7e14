"""What is wrong with the files."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Iterable, Literal

from ._binary import run
from ._read import StrPath


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: ``kseg explain CODE`` has the manual of its check."""

    code: str
    name: str
    severity: str
    path: str
    message: str
    position: int | None
    length: int | None
    offset: int | None
    fix: str | None
    detail: dict[str, Any]


def verify(
    paths: StrPath | Iterable[StrPath],
    *,
    depth: Literal["frame", "sum", "deep"] | None = None,
    topic: str | None = None,
    binary: str | None = None,
) -> list[Finding]:
    """Verifies files, partitions or log dirs, and returns what is wrong with them, notes included.

    Raises KsegError if something cannot be read.
    """
    args = ["verify", "--format", "json"]
    if depth is not None:
        args.append(f"--depth={depth}")
    if topic is not None:
        args.append(f"--topic={topic}")
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    document = json.loads(run([*args, "--", *(os.fspath(path) for path in paths)], binary))
    return [
        Finding(
            code=it["code"],
            name=it["name"],
            severity=it["severity"],
            path=it["path"],
            message=it["message"],
            position=it.get("position"),
            length=it.get("length"),
            offset=it.get("offset"),
            fix=it.get("fix"),
            detail=it.get("detail") or {},
        )
        for it in document["findings"]
    ]
