r"""From a cleaned answer to its shape: a value, a list, an interval, an equation, ...

`read_shape` raises `Unreadable` for phrases and for mathematics it does not know; it never guesses.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from prorl_envs.answers.commands import DOTS
from prorl_envs.answers.conditions import without_conditions
from prorl_envs.answers.environments import read_environment
from prorl_envs.answers.inequalities import region_of
from prorl_envs.answers.lexer import Token, tokenize
from prorl_envs.answers.parser import readings
from prorl_envs.answers.plusminus import expand, spread
from prorl_envs.answers.shapes import Chain, Items, Ratio, Region, Relation, Scalar, Shape
from prorl_envs.answers.splitting import (
    COMPARISONS,
    closes_all,
    cut,
    depths,
    is_name,
    is_word,
    spelled,
    ungrouped,
    word_list,
)
from prorl_envs.answers.syntax import Node, Unreadable, symbols, words

__all__ = ["read_shape"]

_HEDGES = words(
    "not less more greater least most about approximately between under over except maybe perhaps "
    "possibly guess probably unless never without fewer larger smaller"
)
_FRENCH = re.compile(
    r"(?:(?<=\\cup)|(?<=\\in)|(?<==)|^)\s*+([\[\]])([^\[\]()]{1,80}[,;][^\[\]()]{1,80})([\[\]])"
)
_LEAD_IN = re.compile(
    r"(?:^|\s)(?:is|are|be|equals?|answer|=|:|of|value|therefore|thus|hence|area|length|total)[\s:.=]*+$",
    re.I,
)
_MAX_ITEMS = 2_000


@functools.lru_cache(maxsize=2048)
def read_shape(text: str) -> Shape:
    """The shape of a cleaned answer.

    Raises:
        Unreadable: a phrase, or mathematics beyond the reader.
    """
    if _FRENCH.search(text) and (
        "]" in text[:1] or text.endswith("[") or "\\cup ]" in text or "\\in ]" in text
    ):
        text = _FRENCH.sub(_anglicized, text)
    tokens = without_conditions(tokenize(text))
    if not tokens:
        raise Unreadable("nothing there")
    return _read(tokens)


def _anglicized(match: re.Match[str]) -> str:
    """``]0,1[`` as ``(0,1)``."""
    left, inside, right = match.groups()
    return f" {'[' if left == '[' else '('}{inside}{']' if right == ']' else ')'}"


def _read(tokens: Sequence[Token]) -> Shape:
    region = region_of(tokens)
    if region is not None:
        return region
    if systems := _systems(tokens):
        return systems
    parts, marks = cut(tokens, _separates)
    parts = [part for part in parts if part]
    if len(parts) > 1 and marks:
        if len(parts) > _MAX_ITEMS:
            raise Unreadable("too many items")
        return _list([_read(part) for part in _unnumbered(parts)])
    return _single(parts[0] if parts else [])


def _systems(tokens: Sequence[Token]) -> Shape | None:
    """``p=2, q=3 or p=3, q=2``: each alternative names several values, and is one solution."""
    alternatives, marks = cut(tokens, lambda t: is_word(t, "or"))
    if not marks:
        alternatives, marks = cut(tokens, lambda t: t.kind == "op" and t.text == ";")
    if not marks:
        return None
    solutions = []
    for alternative in alternatives:
        parts, _ = cut(alternative, lambda t: _separates(t))
        named = [sum(t.text == "=" for t in part) == 1 for part in parts]
        if len(parts) < 2 or not all(named):
            return None
        values = sorted((_read(part) for part in parts), key=lambda shape: getattr(shape, "label", ""))
        solutions.append(Items("tuple", tuple(values), "()"))
    return Items("list", tuple(solutions))


def _separates(token: Token) -> bool:
    return (
        (token.kind == "op" and token.text in ",;")
        or is_word(token, "and", "or", "")
        or (token.kind == "text" and token.text.strip().lower() in (", and", ", or", ",", ";"))
    )


def _unnumbered(parts: list[list[Token]]) -> list[list[Token]]:
    """Without the numbers of ``(1) 5; (2) 7``."""
    heads = ["".join(t.text for t in part[:3]) for part in parts]
    numbered = all(
        head == f"({n})" and len(part) > 3 for n, (head, part) in enumerate(zip(heads, parts, strict=True), 1)
    )
    return [part[3:] for part in parts] if numbered else parts


def _list(items: list[Shape]) -> Shape:
    flat: list[Shape] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Items) and item.kind == "list" else [item])
    return Items("list", tuple(flat))


def _single(tokens: Sequence[Token]) -> Shape:
    tokens = _without_lead(tokens)
    if tokens and tokens[0].kind == "cmd" and tokens[0].text == "approx":
        tokens = tokens[1:]
    parts, marks = cut(tokens, lambda t: t.text in COMPARISONS and t.kind in ("op", "cmd"))
    if marks:
        return _related(parts, [COMPARISONS[m.text] for m in marks])
    if bracketed := _bracketed(tokens):
        return bracketed
    if spelled(tokens) == "emptyset":
        return Items("set", (), "{}")
    if tokens and tokens[0].kind == "cmd" and tokens[0].text == "begin":
        return read_environment(tokens, _read)
    ratio, colons = cut(tokens, lambda t: (t.kind == "op" and t.text == ":") or is_word(t, "to"))
    if colons:
        return Ratio(tuple(readings(part)[0] for part in ratio))
    return _scalar(tokens)


def _without_lead(tokens: Sequence[Token]) -> Sequence[Token]:
    """Without words such as "the answer is" before a value."""
    if len(tokens) > 1 and tokens[0].kind == "text":
        words = tokens[0].text
        if _HEDGES & set(word_list(tokens[:1])) or is_word(tokens[1], "and"):
            raise Unreadable("hedged")
        if _LEAD_IN.search(words) or not any(t.kind == "text" for t in tokens[1:]):
            rest = tokens[1:]
            return rest[1:] if rest[0].text in (":", "=") else rest
    return tokens


def _scalar(tokens: Sequence[Token]) -> Shape:
    end = len(tokens)
    while end and (tokens[end - 1].kind == "text" or _unit_exponent(tokens, end)):
        end -= 1
    unit = " ".join(t.text for t in tokens[end:]).strip()
    if (_HEDGES | {"or", "to"}) & set(word_list(tokens[end:])):
        raise Unreadable("hedged")
    nodes = readings(tokens[:end])
    expanded = [expand(node) for node in nodes]
    if len(expanded[0]) > 1:
        return Items("list", tuple(Scalar((node,), unit=unit) for node in expanded[0]))
    return Scalar(tuple(nodes), unit=unit)


def _unit_exponent(tokens: Sequence[Token], end: int) -> bool:
    """Whether the token before `end` belongs to ``^2`` or ``^{2}`` behind a word."""
    tail = "".join("w" if t.kind == "text" else t.text for t in tokens[max(0, end - 6) : end])
    return bool(re.search(r"w(?:\^\{?-?\d?\}?|/w?|cdot)$", tail))


def _related(parts: list[list[Token]], ops: list[str]) -> Shape:
    if ops == ["in"]:
        return _labelled(_read(parts[1]), parts[0])
    if ops == ["=="] and _is_function(parts[0]) and not _modular(parts[1]):
        return _equal(parts, ["="])  # f \equiv 0
    if set(ops) <= {"=", "~"}:
        return _equal(parts, ops)
    if ops[0] == "==" or "iff" in ops or "=>" in ops or "->" in ops:
        raise Unreadable("a congruence or an implication")
    if len(ops) != 1:
        raise Unreadable("a chain of inequalities")
    return Relation(ops[0], tuple(readings(parts[0])), tuple(readings(parts[1])))


def _is_function(tokens: Sequence[Token]) -> bool:
    """``f`` or ``P(x)``: said to be identically something."""
    spelling = spelled(tokens)
    return spelling in ("f", "g") or bool(re.fullmatch(r"[fghPQ]\([xtnz]\)", spelling))


def _modular(tokens: Sequence[Token]) -> bool:
    return any(t.text.endswith("mod") for t in tokens)


def _equal(parts: list[list[Token]], ops: list[str]) -> Shape:
    about: tuple[Node, ...] = ()
    while len(parts) > 1 and ops[-1] == "~":
        if len(parts) > 2 or not is_name(parts[0]):
            shape = _read(parts[-1])
            about = about + (shape.nodes if isinstance(shape, Scalar) else ())
            parts, ops = parts[:-1], ops[:-1]
        else:
            break
    names = 0
    while names < len(parts) - 1 and is_name(parts[names]):
        names += 1
    rest = parts[names:]
    if len(rest) > 1:
        return _unnamed(rest)
    shape = _read(rest[0])
    if about and isinstance(shape, Scalar):
        shape = Scalar(shape.nodes, shape.label, shape.name, shape.unit, about)
    if names > 1 and isinstance(shape, Scalar):
        shape = Scalar(shape.nodes, unit=shape.unit, approx=shape.approx, names=names)
    return _labelled(shape, parts[0]) if names else shape


def _unnamed(parts: list[list[Token]]) -> Shape:
    read = [tuple(readings(part)) for part in parts]
    if DOTS in symbols(read[0][0]) and not symbols(read[-1][0]) and len(read) == 2:
        return Scalar(read[-1])  # 1 + 2 + ... + 100 = 5050
    if any(symbols(nodes[0]) for nodes in read) and len(read) == 2:
        return Relation("=", read[0], read[1])
    return Chain(tuple(read))


def _labelled(shape: Shape, name: Sequence[Token]) -> Shape:
    label = spelled(name)
    if isinstance(shape, Scalar):
        return Scalar(shape.nodes, label, _node(name), shape.unit, shape.approx, shape.names)
    if isinstance(shape, Items):
        return Items(shape.kind, shape.items, shape.brackets, label)
    if isinstance(shape, Region):
        return Region(shape.pieces, label)
    return shape


def _node(tokens: Sequence[Token]) -> Node | None:
    try:
        return readings(tokens)[0]
    except Unreadable:
        return None


def _side_by_side(tokens: Sequence[Token]) -> Shape | None:
    """``(1,2)(3,4)``: tuples without a comma between them."""
    groups: list[list[Token]] = [[]]
    for token, depth in zip(tokens, depths(tokens), strict=True):
        groups[-1].append(token)
        if depth == 1 and token.text in ")]":
            groups.append([])
    shapes = [_bracketed(group) for group in groups[:-1]] if len(groups) > 2 and not groups[-1] else [None]
    tuples = [shape for shape in shapes if isinstance(shape, Items)]
    return Items("list", tuple(tuples)) if len(tuples) == len(shapes) else None


def _bracketed(tokens: Sequence[Token]) -> Shape | None:
    if not closes_all(tokens):
        return _side_by_side(tokens) if tokens and tokens[0].text == "(" and tokens[-1].text == ")" else None
    opener, closer, inside = tokens[0].text, tokens[-1].text, ungrouped(tokens[1:-1])
    if opener == "\\{":
        if not inside:
            return Items("set", (), "{}")
        parts, _ = cut(inside, lambda t: t.kind == "op" and t.text in ",;")
        return Items("set", tuple(_flat([_read(part) for part in parts if part])), "{}")
    parts, marks = cut(inside, lambda t: t.kind == "op" and t.text in ",;")
    if opener == "langle" and marks:
        return Items("tuple", tuple(_read(part) for part in parts), "()")
    if opener in "([" and marks and all(parts):
        return spread(tuple(_read(part) for part in parts), opener + closer)
    holds_environment = bool(inside) and inside[0].kind == "cmd" and inside[0].text == "begin"
    if opener in "({[" and not marks and (_is_compound(inside) or holds_environment):
        return _read(inside)
    return None


def _is_compound(tokens: Sequence[Token]) -> bool:
    _, marks = cut(tokens, lambda t: _separates(t) or (t.text in COMPARISONS and t.kind in ("op", "cmd")))
    return bool(marks)


def _flat(items: list[Shape]) -> list[Shape]:
    """Plus-minus inside a set gives two elements."""
    return [
        x
        for item in items
        for x in (item.items if isinstance(item, Items) and item.kind == "list" else (item,))
    ]
