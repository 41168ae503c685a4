"""What travels between host, zygote and workers, and in which frames.

Items and replies are length-prefixed frames on a stream socket; commands to the zygote are JSON messages on a
SEQPACKET socket, the worker's end of a socket pair riding along. Texts cross as UTF-8 with lone surrogates kept.
Nothing is ever unpickled.
"""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

__all__ = ["COMMAND_BYTES", "ITEM", "REPLY", "item_frame", "recv_exact", "reply_frame", "send_command"]

ITEM = struct.Struct("<QIQ")
"""Item header: sequence number, bytes of the task's JSON, bytes of the response."""

REPLY = struct.Struct("<QI")
"""Reply header: sequence number, bytes of the verdict's JSON."""

COMMAND_BYTES = 1 << 17
"""Upper bound of one command to the zygote."""


def item_frame(sequence: int, task_json: bytes, response: str) -> bytes:
    """One item as bytes."""
    text = response.encode("utf-8", "surrogatepass")
    return b"".join((ITEM.pack(sequence, len(task_json), len(text)), task_json, text))


def reply_frame(sequence: int, verdict: dict[str, Any]) -> bytes:
    """One verdict as bytes."""
    body = json.dumps(verdict).encode()
    return REPLY.pack(sequence, len(body)) + body


def recv_exact(sock: socket.socket, size: int) -> bytes:
    """Reads `size` bytes from a blocking socket.

    Raises:
        EOFError: the other end is gone.
    """
    parts: list[bytes] = []
    while size:
        part = sock.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def send_command(sock: socket.socket, command: dict[str, Any], fds: list[int] | None = None) -> None:
    """Sends one command, with the file descriptors that belong to it."""
    socket.send_fds(sock, [json.dumps(command).encode()], fds or [])
