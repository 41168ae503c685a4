r"""From a cleaned answer to its shape: a value, a list, an interval, an equation, ...

`read_shape` raises `Unreadable` for phrases and for mathematics it does not know; it never guesses.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from prorl_envs.answers.inequalities import region_of
from prorl_envs.answers.lexer import Token, tokenize
from prorl_envs.answers.parser import readings
from prorl_envs.answers.plusminus import expand
from prorl_envs.answers.shapes import Chain, Items, Matrix, Ratio, Region, Relation, Scalar, Shape
from prorl_envs.answers.splitting import COMPARISONS, closes_all, cut, depths, is_name, is_word, spelled, ungrouped, word_list
from prorl_envs.answers.syntax import Node, Unreadable

__all__ = ["read_shape"]

_HEDGES = frozenset(
    "not less more greater least most about approximately between under over except maybe perhaps possibly guess probably "
    "unless never without fewer larger smaller".split()
)
_CONDITION_SIGNS = frozenset({"<", ">", "le", "ge", "ne", "in"})
_CONDITIONS = frozenset("for where when with if such provided assuming".split())
_SPACES_OF_NUMBERS = re.compile(r"\\in\s*+\\mathbb\s*+\{?\s*+[A-Z]\s*+\}?(?:[_^]\{?[^\s{},]{1,6}\}?)*+")
_FRENCH = re.compile(r"(?:(?<=\\cup)|(?<=\\in)|(?<==)|^)\s*+([\[\]])([^\[\]()]{1,80}[,;][^\[\]()]{1,80})([\[\]])")
_LEAD_IN = re.compile(r"(?:^|\s)(?:is|are|be|equals?|answer|=|:|of|value|therefore|thus|hence|area|length|total)[\s:.=]*+$", re.I)
_MAX_ITEMS = 2_000


@functools.lru_cache(maxsize=2048)
def read_shape(text: str) -> Shape:
    """The shape of a cleaned answer.

    Raises:
        Unreadable: a phrase, or mathematics beyond the reader.
    """
    if _FRENCH.search(text) and ("]" in text[:1] or text.endswith("[") or "\\cup ]" in text or "\\in ]" in text):
        text = _FRENCH.sub(_anglicized, text)
    tokens = _without_conditions(tokenize(text))
    if not tokens:
        raise Unreadable("nothing there")
    return _read(tokens)


def _anglicized(match: re.Match[str]) -> str:
    """``]0,1[`` as ``(0,1)``."""
    left, inside, right = match.groups()
    return f" {'[' if left == '[' else '('}{inside}{']' if right == ']' else ')'}"


def _without_conditions(tokens: list[Token]) -> list[Token]:
    """Without ``, k \\in \\mathbb{Z}`` and ``for all x > 0`` at the end: they restrict, they are not the answer."""
    for place, (token, depth) in enumerate(zip(tokens, depths(tokens), strict=True)):
        words = token.text.lower().split() if place and depth == 0 and token.kind == "text" else []
        if words and words[0].strip(",.(") in _CONDITIONS:
            tokens = tokens[:place]
            break
    parts, marks = cut(tokens, lambda t: t.kind == "op" and t.text in ",;")
    while len(parts) > 1 and _is_membership(parts[-1]):
        parts, marks = parts[:-1], marks[:-1]
    while len(parts) > 1 and _is_membership(parts[0]):
        parts, marks = parts[1:], marks[1:]
    kept = list(parts[0])
    for mark, part in zip(marks, parts[1:], strict=False):
        kept += [mark, *part]
    while kept and (is_word(kept[-1], "and", "where", "") or (kept[-1].kind == "op" and kept[-1].text in ",;.")):
        kept.pop()
    if kept and kept[-1].text == ")" and (bracket := _trailing_condition(kept)):
        kept = kept[:bracket]
    return kept


def _is_membership(part: Sequence[Token]) -> bool:
    r"""``k \in \mathbb{Z}``, ``k = 0, 1, 2, ...`` is not told apart here."""
    return any(t.kind == "cmd" and t.text == "in" for t in part) and any(
        t.kind == "cmd" and t.text == "mathbb" for t in part
    ) and len(part) < 12 and not any(t.text in ("setminus", "cup") for t in part)


def _trailing_condition(tokens: Sequence[Token]) -> int:
    """Where a last bracket ``(k \\in \\mathbb{Z})`` or ``(x > 0)`` starts, else 0."""
    depth = 0
    for place in range(len(tokens) - 1, 0, -1):
        depth += (tokens[place].text == ")") - (tokens[place].text == "(")
        if depth == 0:
            inside = tokens[place + 1 : -1]
            compares = any(t.text in _CONDITION_SIGNS and t.kind in ("op", "cmd") for t in inside)
            return place if compares and not any(t.text in ("cup", "(", ")") for t in inside) else 0
    return 0


def _read(tokens: Sequence[Token]) -> Shape:
    region = region_of(tokens)
    if region is not None:
        return region
    parts, marks = cut(tokens, _separates)
    parts = [part for part in parts if part]
    if len(parts) > 1 and marks:
        if len(parts) > _MAX_ITEMS:
            raise Unreadable("too many items")
        return _list([_read(part) for part in _unnumbered(parts)])
    return _single(parts[0] if parts else [])


def _separates(token: Token) -> bool:
    return (token.kind == "op" and token.text in ",;") or is_word(token, "and", "or", "") or (
        token.kind == "text" and token.text.strip().lower() in (", and", ", or", ",", ";")
    )


def _unnumbered(parts: list[list[Token]]) -> list[list[Token]]:
    """Without the numbers of ``(1) 5; (2) 7``."""
    heads = ["".join(t.text for t in part[:3]) for part in parts]
    numbered = all(head == f"({n})" and len(part) > 3 for n, (head, part) in enumerate(zip(heads, parts, strict=True), 1))
    return [part[3:] for part in parts] if numbered else parts


def _list(items: list[Shape]) -> Shape:
    flat: list[Shape] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Items) and item.kind == "list" else [item])
    return Items("list", tuple(flat))


def _single(tokens: Sequence[Token]) -> Shape:
    tokens = _without_lead(tokens)
    parts, marks = cut(tokens, lambda t: t.text in COMPARISONS and t.kind in ("op", "cmd"))
    if marks:
        return _related(parts, [COMPARISONS[m.text] for m in marks])
    if bracketed := _bracketed(tokens):
        return bracketed
    if spelled(tokens) == "emptyset":
        return Items("set", (), "{}")
    if tokens and tokens[0].kind == "cmd" and tokens[0].text == "begin":
        return _matrix(tokens)
    ratio, colons = cut(tokens, lambda t: t.kind == "op" and t.text == ":")
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
    unit = " ".join(_unit_text(t) for t in tokens[end:]).strip()
    if _HEDGES & set(word_list(tokens[end:])):
        raise Unreadable("hedged")
    nodes = readings(tokens[:end])
    expanded = [expand(node) for node in nodes]
    if len(expanded[0]) > 1:
        return Items("list", tuple(Scalar((node,), unit=unit) for node in expanded[0]))
    return Scalar(tuple(nodes), unit=unit)


def _unit_text(token: Token) -> str:
    return token.text if token.kind == "text" else token.text


def _unit_exponent(tokens: Sequence[Token], end: int) -> bool:
    """Whether the token before `end` belongs to ``^2`` or ``^{2}`` behind a word."""
    tail = "".join("w" if t.kind == "text" else t.text for t in tokens[max(0, end - 6) : end])
    if not re.search(r"w(?:\^\{?-?\d?\}?|/w?|\\cdot)$", tail.replace("cdot", "\\cdot")):
        return False
    return True


def _related(parts: list[list[Token]], ops: list[str]) -> Shape:
    if ops == ["in"]:
        return _labelled(_read(parts[1]), parts[0])
    if set(ops) <= {"=", "~"}:
        return _equal(parts, ops)
    if ops[0] == "==" or "iff" in ops or "=>" in ops or "->" in ops:
        raise Unreadable("a congruence or an implication")
    if len(ops) != 1:
        raise Unreadable("a chain of inequalities")
    return Relation(ops[0], tuple(readings(parts[0])), tuple(readings(parts[1])))


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
    return _labelled(shape, parts[0]) if names else shape


def _unnamed(parts: list[list[Token]]) -> Shape:
    read = [tuple(readings(part)) for part in parts]
    from prorl_envs.answers.syntax import symbols

    if any(symbols(nodes[0]) for nodes in read) and len(read) == 2:
        return Relation("=", read[0], read[1])
    return Chain(tuple(read))


def _labelled(shape: Shape, name: Sequence[Token]) -> Shape:
    label = spelled(name)
    if isinstance(shape, Scalar):
        return Scalar(shape.nodes, label, _node(name), shape.unit, shape.approx)
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
        return Items("tuple", tuple(_read(part) for part in parts), opener + closer)
    if opener in "({[" and not marks and _is_compound(inside):
        return _read(inside)
    return None


def _is_compound(tokens: Sequence[Token]) -> bool:
    _, marks = cut(tokens, lambda t: _separates(t) or (t.text in COMPARISONS and t.kind in ("op", "cmd")))
    return bool(marks)


def _flat(items: list[Shape]) -> list[Shape]:
    """Plus-minus inside a set gives two elements."""
    return [x for item in items for x in (item.items if isinstance(item, Items) and item.kind == "list" else (item,))]


def _matrix(tokens: Sequence[Token]) -> Shape:
    if not closes_all(tokens[:-_group_length(tokens)]):
        raise Unreadable("more than a matrix")
    kind = spelled(tokens[1 : 1 + _group_length(tokens, first=True)])
    if not kind.endswith("matrix") and kind not in ("array", "cases"):
        raise Unreadable(f"the environment {kind[:20]!r}")
    if kind == "vmatrix":
        raise Unreadable(f"the environment {kind!r}")
    start = 1 + _group_length(tokens, first=True)
    if kind == "array" and tokens[start].text == "{":
        start += next(n for n, t in enumerate(tokens[start:]) if t.text == "}") + 1
    inside = tokens[start : len(tokens) - _group_length(tokens) - 1]
    lines, _ = cut(inside, lambda t: t.kind == "row")
    cells = [cut(line, lambda t: t.kind == "op" and t.text == "&")[0] for line in lines]
    if kind == "cases":
        return _cases([row for row in cells if any(row)])
    return Matrix(tuple(tuple(_read(cell) for cell in row) for row in cells if any(row)))


def _cases(rows: list[list[list[Token]]]) -> Shape:
    """A piecewise value as an unordered list of (value, condition); a system as a list of equations."""
    found: list[Shape] = []
    for row in rows:
        cells = [_trimmed(cell) for cell in row]
        if len(cells) > 2 or not all(cells):
            raise Unreadable("an odd case")
        shapes = tuple(_read(cell) for cell in cells)
        found.append(Items("tuple", shapes, "cases") if len(shapes) > 1 else shapes[0])
    return Items("list", tuple(found))


def _trimmed(cell: list[Token]) -> list[Token]:
    kept = [t for t in cell if t.kind != "text" or t.text.strip(" ,.").lower() not in ("if", "for", "when", "")]
    while kept and kept[-1].kind == "op" and kept[-1].text in ",;.":
        kept.pop()
    return kept


def _group_length(tokens: Sequence[Token], *, first: bool = False) -> int:
    """Tokens of the ``{name}`` behind ``\\begin`` (first) or ``\\end`` (last)."""
    ordered = list(tokens[1:]) if first else list(reversed(tokens))
    stop = "}" if first else "{"
    for count, token in enumerate(ordered, start=1):
        if token.kind == "op" and token.text == stop:
            return count
    raise Unreadable("an environment without a name")
