"""Which modules a program will want: loaded once for all its tests, before they are forked.

A zygote that had loaded everything would make each fork dearer for programs that need none of it. Only modules
of the standard library are ever loaded this way, and only those whose import does nothing but define names.
"""

from __future__ import annotations

import functools
import importlib
import re
from types import ModuleType

__all__ = ["PRELOADED", "prelude_for", "wanted_modules"]

PRELOADED = (
    "bisect",
    "collections",
    "copy",
    "functools",
    "heapq",
    "itertools",
    "math",
    "operator",
    "re",
    "string",
)
"""What every zygote has loaded."""

_LOADABLE = frozenset(
    {
        "array", "ast", "asyncio", "base64", "binascii", "calendar", "cmath", "collections", "collections.abc",
        "concurrent.futures", "contextlib", "csv", "ctypes", "dataclasses", "datetime", "decimal", "difflib",
        "enum", "fractions", "hashlib", "inspect", "io", "json", "logging", "numbers", "pathlib", "pickle",
        "pprint", "queue", "random", "secrets", "shutil", "socket", "statistics", "struct", "tempfile",
        "textwrap", "threading", "timeit", "traceback", "types", "typing", "unicodedata", "uuid", "zlib",
    }
)  # fmt: skip

_IMPORT = re.compile(r"\b(?:import|from)[ \t]++([\w., \t]++)")
_WORD = re.compile(r"[A-Za-z_]\w*+")
_LONGEST = 200_000
"""Longer sources are not searched: loading is a matter of speed alone."""

_PRELUDE = (
    "bisect", "collections", "copy", "datetime", "functools", "heapq", "io", "itertools", "json", "math",
    "operator", "random", "re", "statistics", "string", "sys", "typing",
)  # fmt: skip


def wanted_modules(source: str) -> list[str]:
    """Modules of the standard library that `source` seems to import."""
    found: set[str] = set()
    for match in _IMPORT.finditer(source[:_LONGEST]):
        found.update(name.strip().partition(" ")[0] for name in match.group(1).split(","))
    return sorted(found & _LOADABLE)


def prelude_for(source: str) -> dict[str, list[str]]:
    """Names that PRIME imports before a called program, as far as `source` mentions them: module -> names.

    The empty name is the module itself. Names that would hide a builtin (``math.pow``) are left out.
    """
    table = _prelude_table()
    found: dict[str, list[str]] = {}
    for word in sorted(set(_WORD.findall(source[:_LONGEST]))):
        if word in table:
            module, name = table[word]
            found.setdefault(module, []).append(name)
    return found


@functools.cache
def _prelude_table() -> dict[str, tuple[str, str]]:
    import builtins

    table: dict[str, tuple[str, str]] = {}
    for module_name in _PRELUDE:
        module = importlib.import_module(module_name)
        for name in _public(module):
            if not hasattr(builtins, name):
                table[name] = (module_name, name)
    table.update({name: (name, "") for name in _PRELUDE})
    return table


def _public(module: ModuleType) -> list[str]:
    names: list[str] = getattr(module, "__all__", [name for name in vars(module) if not name.startswith("_")])
    return list(names)
