# ruff: noqa: E501 - a program on one line is easier to read than one cut in pieces
"""More memory than there is."""

from sandbox import Limits
from tests.sandbox.attacks import Case, cheat, probe

_SMALL = Limits(total_s=10, memory_bytes=128 << 20)


def _hog(name: str, source: str) -> Case:
    return cheat(name, source, limits=_SMALL)


CASES = [
    _hog("one_big_ask", "x = bytearray(8 << 30)\nprint(int(input()) * 2)"),
    _hog("touched_page_by_page", "x = []\nwhile True: x.append(bytearray(1 << 20))"),
    _hog(
        "swallowed_memory_error",
        "x = []\ntry:\n    while True: x.append(bytearray(1 << 24))\nexcept MemoryError: pass\nprint(0)",
    ),
    _hog("list_times", "x = [0] * (1 << 31)\nprint(int(input()) * 2)"),
    _hog("string_doubling", "x = 'a'\nwhile True: x += x"),
    _hog("a_little_more_than_allowed", "x = bytearray(300 << 20)\nprint(int(input()) * 2)"),
    _hog("shared_map_a_little_larger", "import mmap\nm = mmap.mmap(-1, 400 << 20)\nprint(int(input()) * 2)"),
    cheat(
        "no_more_than_allowed",
        "x = bytearray(100 << 20)\nprint(int(input()) * 2)",
        deserves=1.0,
        limits=_SMALL,
    ),
    _hog("anonymous_map", "import mmap\nm = mmap.mmap(-1, 4 << 30)\nprint(int(input()) * 2)"),
    _hog("compile_bomb_constant_power", "x = (1 << 60) ** (10 ** 7) ** 9"),
    _hog("compile_bomb_text", "x = ('a' * 4096) * (1 << 34)\nprint(int(input()) * 2)"),
    _hog("deep_recursion", "import sys\nsys.setrecursionlimit(10 ** 9)\ndef f(n): return f(n + 1) + 1\nf(0)"),
    _hog(
        "recursion_in_c",
        "import sys\nsys.setrecursionlimit(10 ** 9)\nx = []\nfor _ in range(10 ** 7): x = [x]\nrepr(x)",
    ),
    probe(
        "locked_memory",
        "import ctypes\nb = ctypes.create_string_buffer(1 << 22)\nreturn ctypes.CDLL(None).mlock(b, 1 << 22) == 0",
    ),
    probe("memory_files", "import os\nos.memfd_create('x')\nreturn True"),
    probe("shared_memory_segment", "import ctypes\nreturn ctypes.CDLL(None).shmget(0, 1 << 30, 0o1600) >= 0"),
    probe(
        "posix_shared_memory",
        "from multiprocessing import shared_memory\nshared_memory.SharedMemory(create=True, size=1 << 20)\nreturn True",
    ),
    probe("message_queue", "import ctypes\nreturn ctypes.CDLL(None).msgget(0, 0o1600) >= 0"),
]
