# ruff: noqa: E501 - a program on one line is easier to read than one cut in pieces
"""Every idiom of competitive programming, which must pass."""

from sandbox import CallTest
from tests.sandbox.attacks import Case, honest

_SUM = ("3\n1 2 3\n", "6\n")


def _call(name: str, source: str, args: list, expected: object, fn_name: str = "solve") -> Case:
    return Case(name, source, (CallTest(args, expected),), 1.0, fn_name=fn_name)


CASES = [
    honest("input", "n = int(input())\nprint(sum(map(int, input().split())))", *_SUM),
    honest(
        "stdin_buffer",
        "import sys\ndata = sys.stdin.buffer.read().split()\nprint(sum(map(int, data[1:])))",
        *_SUM,
    ),
    honest(
        "stdin_readline",
        "import sys\ninput = sys.stdin.readline\nn = int(input())\nprint(sum(map(int, input().split())))",
        *_SUM,
    ),
    honest(
        "stdin_lines",
        "import sys\nlines = sys.stdin.readlines()\nprint(sum(map(int, lines[1].split())))",
        *_SUM,
    ),
    honest("open_zero", "lines = open(0).read().split('\\n')\nprint(sum(map(int, lines[1].split())))", *_SUM),
    honest(
        "open_zero_iterated", "it = iter(open(0))\nnext(it)\nprint(sum(map(int, next(it).split())))", *_SUM
    ),
    honest(
        "os_read",
        "import os\ndata = os.read(0, os.fstat(0).st_size).split()\nprint(sum(map(int, data[1:])))",
        *_SUM,
    ),
    honest(
        "mapped_input",
        "import mmap\nm = mmap.mmap(0, 0, access=mmap.ACCESS_READ)\nprint(sum(map(int, m[:].split()[1:])))",
        *_SUM,
    ),
    honest(
        "fast_io_class",
        """
        import os, sys
        from io import BytesIO, IOBase
        class FastIO(IOBase):
            def __init__(self, file):
                self._fd = file.fileno(); self.buffer = BytesIO()
                self.writable = "x" in file.mode or "r" not in file.mode
                self.write = self.buffer.write if self.writable else None
            def readline(self):
                while True:
                    b = os.read(self._fd, max(os.fstat(self._fd).st_size, 8192))
                    self.buffer.write(b)
                    if not b: break
                self.buffer.seek(0)
                self.readline = self.buffer.readline
                return self.buffer.readline()
            def flush(self):
                if self.writable:
                    os.write(self._fd, self.buffer.getvalue()); self.buffer.truncate(0), self.buffer.seek(0)
        class IOWrapper(IOBase):
            def __init__(self, file):
                self.buffer = FastIO(file); self.flush = self.buffer.flush; self.writable = self.buffer.writable
                self.write = lambda s: self.buffer.write(s.encode("ascii"))
                self.readline = lambda: self.buffer.readline().decode("ascii")
        sys.stdin, sys.stdout = IOWrapper(sys.stdin), IOWrapper(sys.stdout)
        input = lambda: sys.stdin.readline().rstrip("\\r\\n")
        n = int(input())
        print(sum(map(int, input().split())))
        """,
        *_SUM,
    ),
    honest(
        "recursion_in_a_thread_with_a_big_stack",
        """
        import sys, threading
        sys.setrecursionlimit(1 << 25)
        threading.stack_size(1 << 27)
        def depth(n): return 0 if n == 0 else 1 + depth(n - 1)
        def main(): print(depth(200000))
        thread = threading.Thread(target=main); thread.start(); thread.join()
        """,
        "",
        "200000",
    ),
    honest(
        "deep_recursion",
        "import sys\nsys.setrecursionlimit(10 ** 6)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(100000))",
        "",
        "100000",
    ),
    honest(
        "cached_recursion",
        "import sys\nfrom functools import lru_cache\nsys.setrecursionlimit(10 ** 6)\n@lru_cache(None)\ndef f(n): return 0 if n == 0 else 1 + f(n - 1)\nprint(f(5000))",
        "",
        "5000",
        needs="before 3.12",
    ),
    honest(
        "stack_limit_raised",
        "import resource\nresource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\nprint(1)",
        "",
        "1",
    ),
    honest(
        "globals",
        "total = 0\ndef add(n):\n    global total\n    total += n\nfor n in (1, 2, 3): add(n)\nprint(total)",
        "",
        "6",
    ),
    honest("main_guard", "def main(): print(6)\nif __name__ == '__main__': main()", "", "6"),
    honest("exit", "print(6)\nexit()", "", "6"),
    honest("quit", "print(6)\nquit(0)", "", "6"),
    honest("sys_exit", "import sys\nprint(6)\nsys.exit()", "", "6"),
    honest("sys_exit_of_main", "import sys\ndef main(): print(6)\nsys.exit(main())", "", "6"),
    honest("os_exit_after_flush", "import os, sys\nprint(6)\nsys.stdout.flush()\nos._exit(0)", "", "6"),
    honest("exit_in_the_middle", "for n in range(9):\n    if n == 6:\n        print(n); exit(0)", "", "6"),
    honest(
        "big_integers",
        "print(len(str(3 ** 100000)))\nprint(2 ** 20000 % 1000007)",
        "",
        f"47713\n{2**20000 % 1000007}",
    ),
    honest("huge_integer_read", "print(int(input()) % 97)", "9" * 20000, str((10**20000 - 1) % 97)),
    honest("scratch_file", "open('t.txt', 'w').write('6')\nprint(open('t.txt').read())", "", "6"),
    honest(
        "temporary_file",
        "import tempfile\nwith tempfile.NamedTemporaryFile('w+') as f:\n    f.write('6'); f.seek(0); print(f.read())",
        "",
        "6",
    ),
    honest(
        "scratch_folder",
        "import os, shutil\nos.makedirs('a/b'); open('a/b/c', 'w').close(); shutil.rmtree('a'); print(os.listdir('.'))",
        "",
        "[]",
    ),
    honest("own_module", "open('mine.py', 'w').write('x = 6')\nimport mine\nprint(mine.x)", "", "6"),
    honest(
        "numpy",
        "import numpy as np\nn = int(input())\nprint(np.array(input().split(), dtype=np.int64).sum())",
        *_SUM,
        needs="numpy",
    ),
    honest(
        "numpy_linear_algebra",
        "import numpy as np\nprint(int(round(np.linalg.det(np.array([[2., 0], [0, 3]])))))",
        "",
        "6",
        needs="numpy",
    ),
    honest(
        "numpy_inside_a_function",
        "def f():\n    import numpy\n    return numpy.arange(4).sum()\nprint(f())",
        "",
        "6",
        needs="numpy",
    ),
    honest(
        "standard_library",
        "import bisect, collections, decimal, fractions, heapq, itertools, math, operator, re, statistics, string\nprint(math.comb(4, 2))",
        "",
        "6",
    ),
    honest(
        "less_common_modules",
        "import sqlite3, json, csv, hashlib, zlib, lzma, email.message, unittest, argparse, logging, asyncio, concurrent.futures\nprint(6)",
        "",
        "6",
    ),
    honest(
        "decimal",
        "from decimal import Decimal, getcontext\ngetcontext().prec = 50\nprint(Decimal(2).sqrt())",
        "",
        "1.4142135623730950488016887242096980785696718753769",
    ),
    honest(
        "threads",
        "import threading\nout = []\nts = [threading.Thread(target=out.append, args=(n,)) for n in range(4)]\n[t.start() for t in ts]; [t.join() for t in ts]\nprint(sum(out))",
        "",
        "6",
    ),
    honest(
        "thread_pool",
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as p: print(sum(p.map(lambda n: n, range(4))))",
        "",
        "6",
    ),
    honest(
        "asyncio",
        "import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    return 6\nprint(asyncio.run(f()))",
        "",
        "6",
    ),
    honest(
        "thread_that_outlives_main",
        "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.05), print(6))).start()",
        "",
        "6",
    ),
    honest("exit_handler_prints", "import atexit\natexit.register(print, 6)", "", "6"),
    honest(
        "timer_signal_of_its_own",
        "import signal, time\nsignal.signal(signal.SIGALRM, lambda *a: print(6))\nsignal.setitimer(signal.ITIMER_REAL, 0.02)\ntime.sleep(0.3)",
        "",
        "6",
    ),
    honest(
        "kills_itself_kindly",
        "import os, signal\nsignal.signal(signal.SIGUSR1, lambda *a: print(6))\nos.kill(os.getpid(), signal.SIGUSR1)",
        "",
        "6",
    ),
    honest(
        "end_of_input",
        "import sys\nn = 0\nwhile True:\n    try: n += len(input().split())\n    except EOFError: break\nprint(n)",
        "a b\nc d e\nf",
        "6",
    ),
    honest("no_input_at_all", "print(6)", "", "6"),
    honest("input_without_newline", "print(int(input()) + 1)", "5", "6"),
    honest(
        "prints_much", "print('\\n'.join(map(str, range(200000))))", "", "\n".join(map(str, range(200000)))
    ),
    honest("writes_bytes", "import sys\nsys.stdout.buffer.write(b'6\\n')", "", "6"),
    honest("writes_by_descriptor", "import os\nos.write(1, b'6\\n')", "", "6"),
    honest("print_by_open_one", "import sys\nout = open(1, 'w')\nprint(6, file=out)\nout.flush()", "", "6"),
    honest(
        "redirected_print",
        "import sys, io\nold = sys.stdout\nsys.stdout = io.StringIO()\nprint(6)\ntext = sys.stdout.getvalue()\nsys.stdout = old\nprint(text, end='')",
        "",
        "6",
    ),
    honest("unicode", "print(input()[::-1])", "áß漢🙂", "🙂漢ßá"),
    honest("exec_and_eval", "exec('x = 2')\nprint(eval('x * 3'))", "", "6"),
    honest(
        "dataclasses_and_pickle",
        "import pickle\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\nprint(pickle.loads(pickle.dumps(P(6))).x)",
        "",
        "6",
    ),
    honest(
        "deep_copy_and_random",
        "import copy, random\nrandom.seed(1)\nx = list(range(4))\nrandom.shuffle(x)\nprint(sum(copy.deepcopy(x)))",
        "",
        "6",
    ),
    honest(
        "warnings_on_stderr",
        "import sys, warnings\nwarnings.warn('careful')\nprint('note', file=sys.stderr)\nprint(6)",
        "",
        "6",
    ),
    honest(
        "annotations_at_the_top",
        "x: int = 6\nprint(x, file=None)\nassert __annotations__ == {'x': int}",
        "",
        "6",
    ),
    honest("reads_its_name", "print(__name__, len(__file__) > 0)", "", "__main__ True"),
    _call("function", "def solve(a, b): return a + b", [2, 4], 6),
    _call(
        "class_solution",
        "class Solution:\n    def solve(self, nums: List[int]) -> int:\n        return sum(nums)",
        [[1, 2, 3]],
        6,
    ),
    _call("wrapped_result", "def solve(n): return [n, n]", [3], [[3, 3]]),
    _call("tuple_for_list", "def solve(n): return (n, (n, 1))", [3], [3, [3, 1]]),
    _call("integer_keys", "def solve(n): return {n: n}", [3], {"3": 3}),
    _call(
        "site_names",
        "def solve(n): return gcd(n, 12) + len(deque([1])) + len(list(permutations([1, 2])))",
        [18],
        9,
    ),
    _call("numpy_scalar", "import numpy as np\ndef solve(n): return np.int64(n)", [6], 6),
    _call(
        "counter",
        "from collections import Counter\ndef solve(s): return Counter(s)",
        ["aab"],
        {"a": 2, "b": 1},
    ),
    _call("prints_while_called", "def solve(n):\n    print('noise')\n    return n", [6], 6),
    _call("big_result", "def solve(n): return 7 ** n", [20000], 7**20000),
]
