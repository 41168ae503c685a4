r"""Answers that hang, blow up or fool a mathematics grader. Own writing.

Each is (name, gold, what stands in the box). None is right, but those whose name ends in "(right)".
"""

from __future__ import annotations

__all__ = ["POISON"]

_DEEP = 3_000

POISON: list[tuple[str, str, str]] = [
    ("tower of tens", "7", "10^{10^{10}}"), ("tower of nines", "7", "9^{9^{9^{9}}}"), ("tower, unbraced", "7", "9^9^9^9"), ("tower, stars", "7", "9**9**9**9"),
    ("tower of twos", "7", "2^{2^{2^{2^{2^{2}}}}}"), ("tower, twenty storeys", "7", "^".join(["9"] * 20)), ("tower in x", "x^2", "x^{9^{9^{9}}}"), ("negative tower", "7", "9^{-9^{9^{9}}}"),
    ("tower of fractions", "\\frac{1}{2}", "(\\frac{1}{3})^{9^{9^{9}}}"), ("root of a tower", "7", "\\sqrt[3]{9^{9^{9}}}"), ("tiny exponent", "1", "9^{10^{-9999999}}"), ("huge numeral exponent", "7", "1e999999999"),
    ("factorial", "7", "99999999!"), ("nested factorial", "7", "(100!)!"), ("six factorials", "7", "9!!!!!!"), ("factorial tower", "7", "3!^{3!^{3!^{3!}}}"), ("factorial of a power", "7", "(10^{100})!"), ("factorial of a symbol", "n", "((n!)!)!"),
    ("big binomial", "7", "\\binom{10^{12}}{10^{6}}"), ("binomial of binomials", "7", "\\binom{\\binom{1000}{500}}{\\binom{500}{250}}"), ("gamma-sized quotient", "7", "\\frac{1000000!}{999999!}"),
    ("long sum", "7", "\\sum_{k=1}^{10^9} k"), ("endless sum", "7", "\\sum_{k=1}^{\\infty} \\frac{1}{k^2}"), ("sum of sums", "7", "\\sum_{i=1}^{400}\\sum_{j=1}^{400}\\sum_{k=1}^{400} ijk"), ("long product", "7", "\\prod_{k=1}^{10^8} k"),
    ("sum of towers", "7", "\\sum_{k=1}^{400} k^{k^{k}}"), ("integral", "7", "\\int_0^{1} e^{e^{e^{x}}} \\sin(x^{x^x}) dx"), ("nested integrals", "7", "\\int" * 50 + " x dx"), ("limit", "7", "\\lim_{x \\to 0} \\frac{\\sin(\\tan x) - \\tan(\\sin x)}{x^{7^{7}}}"),
    ("parentheses", "7", "(" * _DEEP + "7" + ")" * _DEEP), ("unclosed parentheses", "7", "(" * 5_000), ("braces", "7", "{" * _DEEP + "7" + "}" * _DEEP), ("nested fractions", "7", "\\frac{1}{" * 900 + "7" + "}" * 900), ("nested roots", "7", "\\sqrt{" * 900 + "7" + "}" * 900),
    ("nested exponents", "7", "2^{" * 900 + "7" + "}" * 900), ("nested subscripts", "7", "x_{" * 900 + "7" + "}" * 900), ("nested sets", "7", "\\{" * 900 + "7" + "\\}" * 900), ("nested text", "7", "\\text{" * 900 + "7" + "}" * 900), ("nested boxes", "8", "\\boxed{" * 900 + "7" + "}" * 900),
    ("bars", "7", "|" * 2_001), ("left delimiters", "7", "\\left(" * 900 + "7" + "\\right)" * 900), ("minus signs", "7", "-" * 3_999 + "7"), ("minus in an exponent", "7", "2^" + "-" * 1_500 + "7"), ("functions", "7", "\\sin " * 900 + "7"), ("primes", "7", "f" + "'" * 3_000),
    ("exclamation marks", "7", "3" + "!" * 1_500), ("percent signs", "7", "7" + "%" * 1_500), ("degree signs", "7", "7" + "^\\circ" * 900), ("begin without end", "7", "\\begin{pmatrix}" * 300), ("wide matrix", "7", "\\begin{pmatrix}" + "1&" * 1_800 + "1\\end{pmatrix}"),
    ("list of numbers", "7", ",".join(["7"] * 100_000)), ("list of ones for 1", "1", ",".join(["1"] * 5_000)), ("list of letters", "7", ",".join(["x"] * 900)), ("plus-minus signs", "7", "\\pm 1" * 40), ("union of intervals", "7", "\\cup".join(["(0,1)"] * 200)),
    ("long permutation", ",".join(map(str, range(300))), ",".join(map(str, range(299, 0, -1)))), ("long list of roots", ",".join(f"\\sqrt{{{n}}}" for n in range(200)), ",".join(f"\\sqrt{{{n}}}" for n in range(1, 201))),
    ("spaces", "7", " " * 20_000), ("spaces inside", "7", "1" + " " * 20_000 + "2"), ("200 KB of digits", "7", "7" * 200_000), ("200 KB of letters", "7", "a" * 200_000), ("200 KB of commas", "7", "," * 200_000), ("1 MB of backslashes", "7", "\\" * 1_000_000), ("1 MB of braces", "7", "{}" * 500_000),
    ("expanded powers", "x", "(x+y)^{3000}-(x-y)^{3000}"), ("power of a sum", "x", "(a+b+c+d+e+f+g+h)^{500}"), ("huge modulus", "7", "7 \\bmod 10^{10^{10}}"), ("sine of a tower", "7", "\\sin(10^{10^{6}})"), ("logarithms", "7", "\\ln\\ln\\ln\\ln 10^{10^{10}}"), ("exp of exp", "7", "e^{e^{e^{e^{e}}}}"),
    ("gold of the same kind", "10^{10^{10}}", "10^{10^{10}}+1"), ("code", "7", "__import__('os').system('true')"), ("code in text", "7", "\\text{__import__('os').system('true')}"), ("lambda", "7", "(lambda: 7)()"), ("attribute", "7", "().__class__.__bases__[0]"),
    ("NUL", "7", "7\0 8"), ("surrogates", "7", "\ud800\udfff"), ("right-to-left", "7", "\u202e7\u202c8"), ("zero-width", "78", "7\u200b9"), ("combining", "7", "7" + "\u0301" * 3_000), ("nan", "7", "nan"), ("infinity", "7", "\\infty"), ("zero by zero", "7", "\\frac{0}{0}"), ("zero to the zero", "7", "0^0"), ("pole", "7", "\\tan\\frac{\\pi}{2}"),
    ("continued fraction", "7", "1+\\frac{1}{" * 200 + "1" + "}" * 200), ("long sum of terms", "7", "+".join(["x"] * 1_900)), ("long product of terms", "7", "x" * 3 + "y" * 1_000), ("long quotient", "7", "/".join(["x"] * 1_500)), ("units", "7 m", "7 " + "kg" * 500), ("unit exponents", "7 m", "7 m^{99}"), ("unit tower", "7 m", "7 m^{9^{9^9}}"), ("scientific tower", "7", "7\\times 10^{99999999999}"), ("sets of sets", "7", "\\{\\{\\{1\\}\\}\\}"),
]  # fmt: skip
