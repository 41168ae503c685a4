"""Plain data as JSON, for arguments and results of calls.

JSON keeps ``None``, booleans, integers, finite floats, texts and lists as they are; everything else is an object
with one key that names its kind: ``t`` tuple, ``d`` dict, ``s`` set, ``z`` frozenset, ``b`` bytes, ``i`` a big
integer, ``f`` a float that is not finite, ``c`` complex, ``r`` range, ``n`` an iterator (a generator, ``map``,
``zip``, ...) run to its end, ``k``, ``v`` and ``m`` a dict's keys, values and items, ``o`` the name of a type that
is no plain data.

`encode` runs beside a candidate and may be fooled in any way: it can only misreport the candidate's own result.
`decode` runs in the judge and builds builtin types only, whatever it is given.
"""

from __future__ import annotations

import itertools
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["NotPlainError", "Opaque", "decode", "dumps", "encode", "encode_plain", "loads"]

MAX_DEPTH = 64
_OPAQUE = "o"
_LAZY: dict[str, tuple[type, ...]] = {
    "n": (type(_ for _ in ()), map, filter, zip, enumerate, reversed, type(iter([])), type(iter(()))),
    "k": (type({}.keys()),),
    "v": (type({}.values()),),
    "m": (type({}.items()),),
}
_MOST = 100_000
"""Items of an iterator: more are no plain data."""

_SAFE_INT = 10**4000
"""Larger integers travel as hexadecimal: decimal text takes quadratic time."""


class NotPlainError(ValueError):
    """A value is no plain data, or is nested too deeply."""


class Opaque:
    """Stands for a value that is no plain data. Equal to nothing, not even itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return f"<{self.name}>"


def encode(value: Any, depth: int = 0) -> Any:
    """`value` as JSON data. Subclasses of builtin types become the builtin type.

    Raises:
        NotPlainError: nested deeper than 64, as a list that holds itself is.
    """
    if value is None or value is True or value is False:
        return value
    if depth > MAX_DEPTH:
        raise NotPlainError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, int):
        number = int.__add__(value, 0)
        return number if -_SAFE_INT < number < _SAFE_INT else {"i": hex(number)}
    if isinstance(value, float):
        real = float.__add__(value, 0.0)
        return real if real - real == 0.0 else {"f": float.__repr__(real)}
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, list):
        return [encode(item, depth + 1) for item in list.__iter__(value)]
    return _encode_tagged(value, depth)


def _encode_tagged(value: Any, depth: int) -> Any:
    below = depth + 1
    if isinstance(value, tuple):
        return {"t": [encode(item, below) for item in tuple.__iter__(value)]}
    if isinstance(value, dict):
        return {"d": [[encode(key, below), encode(item, below)] for key, item in dict.items(value)]}
    if isinstance(value, set):
        return {"s": [encode(item, below) for item in set.__iter__(value)]}
    if isinstance(value, frozenset):
        return {"z": [encode(item, below) for item in frozenset.__iter__(value)]}
    if isinstance(value, (bytes, bytearray)):
        return {"b": bytes(memoryview(value)).hex()}
    if isinstance(value, complex):
        return {"c": [encode(value.real, below), encode(value.imag, below)]}
    if isinstance(value, range):
        return {"r": [encode(number) for number in (value.start, value.stop, value.step)]}
    for tag, kinds in _LAZY.items():
        if isinstance(value, kinds):
            lazy: Any = value
            items = list(itertools.islice(lazy, _MOST + 1))
            return {_OPAQUE: "long iterator"} if len(items) > _MOST else {tag: encode(items, below)}
    scalar = _numpy_scalar(value)
    return {_OPAQUE: type(value).__name__} if scalar is None else encode(scalar, below)


def _numpy_scalar(value: Any) -> Any:
    """The Python number in a numpy one: functions of honest programs return them without noticing."""
    kind = type(value)
    if kind.__module__ != "numpy" or not hasattr(kind, "item") or getattr(value, "shape", None) != ():
        return None
    return value.item()


def encode_plain(value: Any) -> bytes:
    """`value` as `dumps` writes it, all of which must be plain data. Raises `NotPlainError`."""
    data = encode(value)
    waiting = [data]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if _OPAQUE in item:
                raise NotPlainError(f"a {item[_OPAQUE]} is no plain data")
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item
    return json.dumps(data, separators=(",", ":")).encode("ascii")


def decode(data: Any, depth: int = 0) -> Any:
    """The value that `encode` made `data` from.

    Raises:
        NotPlainError: `data` is nothing that `encode` makes.
    """
    if depth > MAX_DEPTH + 2:
        raise NotPlainError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(data, list):
        return [decode(item, depth + 1) for item in data]
    if not isinstance(data, dict):
        return data
    if len(data) != 1:
        raise NotPlainError("an object must have one key")
    ((kind, content),) = data.items()
    try:
        return _decode_tagged(kind, content, depth + 1)
    except (TypeError, ValueError, KeyError) as error:
        raise NotPlainError(f"malformed {kind!r}: {error}") from None


def _decode_tagged(kind: str, content: Any, depth: int) -> Any:
    if kind == "i":
        return int(content, 16)
    if kind == "f":
        return {"nan": float("nan"), "inf": float("inf"), "-inf": float("-inf")}[content]
    if kind == "b":
        return bytes.fromhex(content)
    if kind == _OPAQUE:
        return Opaque(str(content)[:80])
    if not isinstance(content, list):
        raise NotPlainError(f"{kind!r} needs a list")
    if kind == "d":
        return {decode(key, depth): decode(item, depth) for key, item in content}
    items = [decode(item, depth) for item in content]
    makers: dict[str, Any] = {
        "t": tuple,
        "s": set,
        "z": frozenset,
        "c": lambda parts: complex(*parts),
        "r": lambda parts: range(*parts),
        "n": iter,
        "k": lambda keys: dict.fromkeys(keys).keys(),
        "v": lambda parts: dict(enumerate(parts)).values(),
        "m": lambda pairs: dict(pairs).items(),
    }
    return makers[kind](items)


def dumps(value: Any) -> bytes:
    """`value` as bytes of JSON, ASCII only. Raises `NotPlainError`."""
    return json.dumps(encode(value), separators=(",", ":")).encode("ascii")


def loads(data: bytes) -> Any:
    """The value in bytes of JSON. Raises `NotPlainError` for anything `dumps` did not make."""
    try:
        return decode(json.loads(data.decode("ascii")))
    except NotPlainError:
        raise
    except (ValueError, RecursionError) as error:
        raise NotPlainError(f"not JSON: {error}") from None
