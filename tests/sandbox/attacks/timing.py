# ruff: noqa: E501 - a program on one line is easier to read than one cut in pieces
"""Programs that do not end."""

from sandbox import Limits
from tests.sandbox.attacks import Case, cheat

_SHORT = Limits(total_s=0.6, memory_bytes=512 << 20)


def _hang(name: str, source: str) -> Case:
    return cheat(name, source, limits=_SHORT)


CASES = [
    _hang("busy", "while True: pass"),
    _hang("sleeping", "import time; time.sleep(1000)"),
    _hang("right_then_sleeping", "import time; print(int(input()) * 2, flush=True); time.sleep(1000)"),
    _hang("catastrophic_regular_expression", "import re; re.match(r'(a+)+$', 'a' * 60 + 'b')"),
    _hang("big_integer_power", "x = 7 ** (10 ** 8)"),
    _hang("big_integer_text", "str(1 << (10 ** 8))"),
    _hang("sum_in_c", "sum(iter(int, 1))"),
    _hang(
        "signals_ignored",
        "import signal\nfor n in range(1, 32):\n    if n not in (9, 19): signal.signal(n, signal.SIG_IGN)\nwhile True: pass",
    ),
    _hang(
        "alarm_disarmed",
        "import signal; signal.alarm(0); signal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass",
    ),
    _hang("exit_handler_hangs", "import atexit\n@atexit.register\ndef f():\n    while True: pass"),
    _hang(
        "thread_never_ends",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()",
    ),
    _hang("destructor_hangs", "class A:\n    def __del__(self):\n        while True: pass\nA()"),
    _hang(
        "destructor_at_the_end_hangs",
        "print(int(input()) * 2)\nclass A:\n    def __del__(self):\n        while True: pass\na = A()",
    ),
    _hang("stops_itself", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"),
    _hang("waits_for_a_dead_lock", "import threading; l = threading.Lock(); l.acquire(); l.acquire()"),
    _hang("reads_a_closed_world", "import os; r, w = os.pipe(); os.read(r, 1)"),
    _hang(
        "never_satisfied_except",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    ),
    _hang("compile_takes_forever", "x = " + "+".join(["(" + "1," * 2000 + ")"] * 2000)),
]
