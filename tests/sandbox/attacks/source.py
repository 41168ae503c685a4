"""Sources that are no programs, or strange ones."""

from tests.sandbox.attacks import DOUBLING, Case, cheat

_GOOD = "print(int(input()) * 2)"


def _text(name: str, source: str, deserves: float = 0.0) -> Case:
    return Case(name, source, DOUBLING, deserves)


CASES = [
    _text("empty", ""),
    _text("blank", " \n\t\n"),
    _text("nul_bytes", f"{_GOOD}\0"),
    _text("lone_surrogate", f"x = '\ud800'\n{_GOOD}"),
    _text("syntax_error", "def f(:\n"),
    _text("deep_parentheses", "(" * 200_000 + ")" * 200_000),
    _text("deep_lists", "x = " + "[" * 100_000),
    _text("deep_unary", "x = " + "-" * 100_000 + "1"),
    _text("deep_indentation", "".join("  " * n + "if 1:\n" for n in range(300))),
    _text("long_chain_of_sums", "x = " + "+".join(["1"] * 200_000)),
    _text("bad_codec_cookie", f"# -*- coding: no-such-codec -*-\n{_GOOD}"),
    _text("not_its_codec", "# -*- coding: ascii -*-\nx = 'é'\n" + _GOOD),
    _text("mixed_tabs", "if 1:\n        x = 1\n\ty = 2\n"),
    _text("codec_that_runs_code", "# -*- coding: unicode_escape -*-\n#\\x0aprint(0)"),
    cheat("return_at_the_top", "return 5"),
    _text("byte_order_mark_is_fine", f"\ufeff{_GOOD}", 1.0),
    _text("carriage_returns_are_fine", "n = int(input())\r\nif n:\r\n    print(n * 2)\r\n", 1.0),
    _text("old_carriage_returns_are_fine", "n = int(input())\rprint(n * 2)\r", 1.0),
    _text("codec_cookie_is_fine", f"# -*- coding: latin-1 -*-\n{_GOOD}", 1.0),
    _text("form_feed_is_fine", f"\f\n{_GOOD}", 1.0),
    _text("six_megabytes_are_fine", f"{_GOOD}\n" + "# padding padding\n" * 350_000, 1.0),
    _text("no_newline_at_the_end_is_fine", _GOOD, 1.0),
]
