"""Files and folders that are whole or not there, whenever a process is killed, the power fails or a disk fills up.

Everything is written under another name in the same folder, forced to the disk, and renamed: a rename is one
operation of the file system. What is thrown away loses its mark of completeness first.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from prorl_envs.errors import InfrastructureError

__all__ = [
    "STATE", "UNFINISHED", "checkpoint_number", "discard", "latest_checkpoint", "publish", "rotate", "staging",
    "sync", "write_text", "written",
]  # fmt: skip

STATE = "prorl_state.json"
"""The file that is written last into a checkpoint: one without it is none."""
UNFINISHED = "unfinished"
"""The folder beside the checkpoints in which one is being written."""
_PART, _GONE = ".part", ".gone"


@contextlib.contextmanager
def written(what: str) -> Iterator[None]:
    """Says that `what` could not be written, whichever library found out: each has its own error for a full disk.

    Raises:
        InfrastructureError: in place of theirs.
    """
    try:
        yield
    except InfrastructureError:
        raise
    except (OSError, RuntimeError, SafetensorError) as error:
        raise InfrastructureError(
            f"{what} could not be written: {error}. Make room, then --resume the run"
        ) from error


def staging(folder: Path) -> Path:
    """Where `folder` is to be written before it is published: beside it, empty."""
    part = folder.with_name(folder.name + _PART)
    shutil.rmtree(part, ignore_errors=True)
    return part


def publish(part: Path, folder: Path) -> None:
    """Gives the finished folder `part` its name, `folder`, which must not exist. Both are on one file system."""
    for directory, _, names in os.walk(part):
        for name in names:
            sync(Path(directory) / name)
        sync(Path(directory))
    part.rename(folder)
    sync(folder.parent)


def discard(folder: Path) -> None:
    """Removes a folder so that, half removed, it does not look complete."""
    doomed = folder.with_name(folder.name + _GONE)
    shutil.rmtree(doomed, ignore_errors=True)
    if folder.exists():
        folder.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def write_text(file: Path, text: str) -> None:
    """Writes a whole file, or leaves the one that is there as it was."""
    part = file.with_name(file.name + _PART)
    part.write_text(text, encoding="utf-8")
    sync(part)
    part.rename(file)
    sync(file.parent)


def sync(path: Path) -> None:
    """Returns once a file's or folder's content is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def latest_checkpoint(output: Path) -> Path | None:
    """The newest complete checkpoint; what a crash left half-written or half-removed goes away."""
    best: Path | None = None
    shutil.rmtree(output / UNFINISHED, ignore_errors=True)
    for folder in output.glob("checkpoint-*"):
        number = checkpoint_number(folder)
        if number is None or not (folder / STATE).exists():
            shutil.rmtree(folder, ignore_errors=True)
        elif best is None or number > (checkpoint_number(best) or 0):
            best = folder
    return best


def rotate(output: Path, keep: int) -> None:
    """Removes all but the `keep` newest complete checkpoints."""
    found = [folder for folder in output.glob("checkpoint-*") if checkpoint_number(folder) is not None]
    for folder in sorted(found, key=lambda folder: checkpoint_number(folder) or 0)[:-keep]:
        discard(folder)


def checkpoint_number(folder: Path) -> int | None:
    """The updates that a checkpoint's name tells; None for what is no checkpoint."""
    number = folder.name.removeprefix("checkpoint-")
    return int(number) if number.isdigit() else None
