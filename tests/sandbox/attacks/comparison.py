"""Outputs that are almost the expected ones."""

from sandbox import StdinTest
from tests.sandbox.attacks import Case, cheat


def _prints(name: str, output: str, expected: str, deserves: float = 0.0, compare: str = "eurus") -> Case:
    source = f"import sys; sys.stdout.buffer.write({output.encode('utf-8', 'surrogateescape')!r})"
    return Case(name, source, (StdinTest("", expected),), deserves, compare=compare)


CASES = [
    cheat(
        "destructor_adds_a_line",
        "print(int(input()) * 2)\nclass A:\n    def __del__(self): print('more')\na = A()",
    ),
    cheat(
        "file_left_open_adds_a_line",
        "print(int(input()) * 2, flush=True)\nout = open('/dev/stdout', 'w')\nout.write('more')",
    ),
    _prints("integer_off_by_one_of_many_digits", "1000000007\n", "1000000006\n"),
    _prints("integer_printed_as_float", "7.0\n", "7\n"),
    _prints("integer_within_tolerance", "100000.5\n", "100000\n"),
    _prints("nan_for_nan", "nan\n", "1.5\n"),
    _prints("infinity", "inf\n", "1e300\n"),
    _prints("overflowing_number", "1e999\n", "1.5e308\n"),
    _prints("missing_line", "1\n2\n", "1\n2\n3\n"),
    _prints("extra_line", "1\n2\n3\n4\n", "1\n2\n3\n"),
    _prints("everything_it_could_be", "".join(f"{n}\n" for n in range(100)), "42\n"),
    _prints("lines_in_another_order", "2\n1\n", "1\n2\n"),
    _prints("another_case", "yes\n", "YES\n"),
    _prints("full_width_digits", "４２\n", "42\n"),
    _prints("arabic_digits_as_float", "٣.٥\n", "3.5\n"),
    _prints("underscored_number", "1_0.5\n", "10.5\n"),
    _prints("hexadecimal_float", "0x1.8p0\n", "1.5\n"),
    _prints("two_floats_in_a_line", "1.50 2.50\n", "1.5 2.5\n"),
    _prints("nul_byte_after", "42\0\n", "42\n"),
    _prints("not_utf8", "42\udcff\n", "42\n"),
    _prints("non_breaking_space", "42\u00a0\n", "42\n"),
    _prints("empty", "", "42\n"),
    _prints("blank_for_answer", " \n \n", "0\n"),
    _prints("float_too_far", "3.1417\n", "3.1415\n"),
    _prints("negative_zero_of_integers", "-0\n", "0\n"),
    _prints("trailing_blanks_are_fine", "42  \n\n\n", "42\n", 1.0),
    _prints("float_within_tolerance_is_fine", "3.141592\n", "3.14159265\n", 1.0),
    _prints("carriage_returns_are_fine", "1\r\n2\r\n", "1\n2\n", 1.0),
    _prints("exact_wants_every_byte", "42\n", "42", compare="exact"),
    _prints("tokens_ignore_layout", "1\n2\n3", "1 2 3", 1.0, compare="tokens"),
    _prints("lines_want_layout", "1\n2\n3", "1 2 3", compare="lines"),
    _prints("float_by_token", "1.50 2.50", "1.5 2.5", 1.0, compare="float"),
    cheat("megabytes_of_guesses", "for n in range(400000): print(n)", tests=(StdinTest("", "77"),)),
]
