"""What travels between host, zygote and workers, and in which frames.

Items and replies are length-prefixed frames on a stream socket, answered in order; commands to the zygote are
JSON messages on a SEQPACKET socket, the worker's end of a socket pair riding along. Texts cross as UTF-8 with
lone surrogates kept. Nothing is ever unpickled.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import IO, Any

__all__ = ["COMMAND_BYTES", "ITEM", "REPLY", "item_frame", "read_item", "reply_frame", "send_command"]

ITEM = struct.Struct("<IQ")
"""Item header: bytes of the task's JSON, bytes of the response."""

REPLY = struct.Struct("<I")
"""Reply header: bytes of the verdict's JSON."""

COMMAND_BYTES = 1 << 17
"""Upper bound of one command to the zygote."""


def item_frame(task_json: bytes, response: str) -> bytes:
    """One item as bytes."""
    text = response.encode("utf-8", "surrogatepass")
    return b"".join((ITEM.pack(len(task_json), len(text)), task_json, text))


def read_item(stream: IO[bytes]) -> tuple[bytes, str]:
    """The next item: its task's JSON and its response.

    Raises:
        EOFError: the host is gone.
    """
    task_size, text_size = ITEM.unpack(_exactly(stream, ITEM.size))
    return _exactly(stream, task_size), _exactly(stream, text_size).decode("utf-8", "surrogatepass")


def reply_frame(verdict: dict[str, Any]) -> bytes:
    """One verdict as bytes."""
    body = json.dumps(verdict).encode()
    return REPLY.pack(len(body)) + body


def send_command(sock: socket.socket, command: dict[str, Any], fds: list[int] | None = None) -> None:
    """Sends one command, with the file descriptors that belong to it."""
    socket.send_fds(sock, [json.dumps(command).encode()], fds or [])


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data
