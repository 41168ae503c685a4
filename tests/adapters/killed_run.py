"""Runs the training command in a process of its own and kills that, without a word, at a chosen moment.

Moments are counted in operations on the run's files (each opening, renaming, removing, making of one), so that every
state in which a kill can leave a folder can be reached; or lie in the middle of a file of weights; or are seconds.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

_WRITES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree", "os.truncate", "os.symlink")

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["adapters.prorl.staged_run"])  # imports the trainer once, for all attempts


class Moment(dict[str, Any]):
    """When to kill: ``operation`` n (of those whose path holds ``path``), ``torn`` n (in the middle of the n-th file
    of tensors) or ``second`` t."""


def attempt(
    words: list[str], folder: Path, moment: Moment | None = None, *, timeout: float = 240
) -> int | None:
    """Runs ``python -m adapters.train words``; returns its exit code, or None when it was killed on the way.

    Args:
        words: the command line.
        folder: whose files count.
        moment: when to kill it.
        timeout: seconds after which it is killed and the test fails.
    """
    process = context.Process(target=_run, args=(words, str(folder), dict(moment or {})))
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"{words} took more than {timeout} s")
    return None if process.exitcode == -signal.SIGKILL else process.exitcode


def operations(words: list[str], folder: Path, count_in: Path) -> int:
    """Runs the command to its end and says how many operations on files that took."""
    assert attempt(words, folder, Moment(count=1)) == 0
    return len(count_in.read_text())


def _run(words: list[str], folder: str, moment: dict[str, Any]) -> None:
    from adapters import train

    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    _watch_files(folder, moment)
    _tear(moment)
    if "second" in moment:
        threading.Timer(moment["second"], _die).start()
    sys.exit(train.main(words))


def _watch_files(folder: str, moment: dict[str, Any]) -> None:
    seen = 0

    def on_event(event: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        if not (event in _WRITES or (event == "open" and _for_writing(args))) or not args:
            return
        if str(args[0]).startswith(folder) and str(moment.get("path", "")) in str(args[0])[len(folder) :]:
            seen += 1
            if "count" in moment:
                with contextlib.suppress(OSError):
                    handle = os.open(folder + ".count", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                    os.write(handle, b".")
                    os.close(handle)
            if seen == moment.get("operation"):
                _die()

    sys.addaudithook(on_event)


def _for_writing(args: tuple[Any, ...]) -> bool:
    mode = args[1]
    return isinstance(mode, str) and any(letter in mode for letter in "wax+")


def _tear(moment: dict[str, Any]) -> None:
    """Replaces what writes tensors: the chosen file is left half-written."""
    import safetensors.torch
    import torch
    import transformers.modeling_utils as modelling

    left = [int(moment.get("torn", 0))]

    def torn(real: Any, place: int) -> Any:
        def write(*args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs)
            left[0] -= 1
            if not left[0]:
                file = Path(str(args[place]))
                os.truncate(file, file.stat().st_size // 2)
                _die()
            return result

        return write

    torch.save = torn(torch.save, 1)
    safetensors.torch.save_file = modelling.safe_save_file = torn(safetensors.torch.save_file, 1)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
