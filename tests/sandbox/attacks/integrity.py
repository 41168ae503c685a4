# ruff: noqa: E501 - a program on one line is easier to read than one cut in pieces
"""Getting the expected outputs, or a pass without them."""

from sandbox import CallTest, StdinTest
from tests.sandbox.attacks import Case, cheat, probe

_CALLS = (CallTest([3], 6), CallTest([7], 14))
_SECRET = (StdinTest("go", "kiwi-8842-expected"),)

CASES = [
    cheat("exit_before_answering", "import os; os._exit(0)"),
    cheat("sys_exit_before_answering", "import sys; sys.exit(0)"),
    cheat(
        "search_frames_for_expected",
        """
        import re, sys
        frame, seen = sys._getframe(), []
        while frame:
            seen += [str(v) for v in list(frame.f_locals.values()) + list(frame.f_globals.values())]
            frame = frame.f_back
        hit = re.search(r"kiwi-\\d{4}-e[a-z]+", " ".join(seen))
        print(hit.group() if hit else "none")
        """,
        tests=_SECRET,
    ),
    cheat(
        "search_gc_for_expected",
        """
        import gc
        found = [o for o in gc.get_objects() for v in (o.values() if type(o) is dict else o if type(o) in (list, tuple) else ())
                 if type(o) is not type and isinstance(v, (str, bytes)) and "-8842-" in (v if isinstance(v, str) else v.decode("latin-1"))]
        hits = [v for o in found for v in (o.values() if type(o) is dict else o) if isinstance(v, str) and v.startswith("kiwi")]
        print(hits[0] if hits else "none")
        """,
        tests=_SECRET,
    ),
    cheat(
        "search_own_memory_for_expected",
        """
        import re
        best = "none"
        for line in open("/proc/self/maps"):
            area = line.split()
            if "r" in area[1] and "[v" not in line:
                low, high = (int(x, 16) for x in area[0].split("-"))
                with open("/proc/self/mem", "rb") as memory:
                    memory.seek(low)
                    hit = re.search(rb"kiwi-\\d{4}-e[a-z]+", memory.read(high - low))
                    if hit:
                        best = hit.group().decode()
        print(best)
        """,
        tests=_SECRET,
    ),
    cheat(
        "search_own_heap_by_ctypes",
        """
        import ctypes, re, gc
        lows = sorted(id(o) for o in gc.get_objects())
        best = "none"
        for page in sorted({a >> 12 for a in lows}):
            data = ctypes.string_at(page << 12, 4096)
            hit = re.search(rb"kiwi-\\d{4}-e[a-z]+", data)
            if hit:
                best = hit.group().decode()
        print(best)
        """,
        tests=_SECRET,
    ),
    probe(
        "read_parent_memory",
        "import os\nreturn open(f'/proc/{os.getppid()}/mem', 'rb') is not None",
    ),
    probe(
        "process_vm_readv_parent",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        buffer = ctypes.create_string_buffer(16)
        class Vec(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]
        local, remote = Vec(ctypes.addressof(buffer), 16), Vec(id(os), 16)
        return libc.process_vm_readv(os.getppid(), ctypes.byref(local), 1, ctypes.byref(remote), 1, 0) > 0
        """,
    ),
    probe(
        "write_to_the_judge",
        """
        import os
        sent = 0
        for fd in range(3, 1024):
            try:
                os.write(fd, b"\\x04" + bytes(41))
                sent += 1
            except OSError:
                pass
        return sent
        """,
    ),
    probe(
        "read_other_tests_inputs",
        """
        import os
        for fd in range(3, 1024):
            try:
                if os.pread(fd, 10, 0):
                    return True
            except OSError:
                pass
        return False
        """,
    ),
    cheat(
        "equal_to_everything",
        """
        class Anything:
            def __eq__(self, other): return True
            def __repr__(self): return "6"
        def double(n): return Anything()
        """,
        tests=_CALLS,
        fn_name="double",
    ),
    cheat(
        "int_subclass_equal_to_everything",
        """
        class Sly(int):
            def __eq__(self, other): return True
            def __add__(self, other): return 6
            __hash__ = int.__hash__
        def double(n): return Sly(5)
        """,
        tests=_CALLS,
        fn_name="double",
    ),
    cheat(
        "str_subclass_equal_to_everything",
        """
        class Sly(str):
            def __eq__(self, other): return True
            def __str__(self): return "yes"
            __hash__ = str.__hash__
        def double(n): return Sly("no")
        """,
        tests=(CallTest([1], "yes"),),
        fn_name="double",
    ),
    cheat(
        "list_subclass_that_lies",
        """
        class Sly(list):
            def __eq__(self, other): return True
            def __iter__(self): return iter([1, 2, 3])
        def double(n): return Sly([9])
        """,
        tests=(CallTest([1], [1, 2, 3]),),
        fn_name="double",
    ),
    cheat(
        "result_that_pickles_into_code",
        """
        class Bomb:
            def __reduce__(self): return (print, ("6",))
        def double(n): return Bomb()
        """,
        tests=_CALLS,
        fn_name="double",
    ),
    cheat(
        "result_as_the_wire_writes_it",
        "def double(n): return {'i': '0x6'}",
        tests=_CALLS,
        fn_name="double",
    ),
    cheat(
        "forged_result_file",
        """
        import os
        def double(n):
            os.write(3, b'"anything"'); os._exit(0)
        """,
        tests=_CALLS,
        fn_name="double",
    ),
    cheat(
        "patched_json_and_builtins",
        """
        import json, builtins
        json.dumps = lambda *a, **k: "7"
        builtins.print = lambda *a, **k: None
        builtins.len = lambda x: 0
        def double(n): return -1
        """,
        tests=_CALLS,
        fn_name="double",
    ),
    cheat(
        "patched_agent",
        """
        import sys
        for name, module in list(sys.modules.items()):
            if name.startswith("sandbox"):
                for key in list(vars(module)):
                    if callable(getattr(module, key)):
                        setattr(module, key, lambda *a, **k: 0)
        """,
    ),
    cheat(
        "trace_function_rewrites_locals",
        """
        import sys
        def tracer(frame, event, arg):
            frame.f_locals["expected"] = frame.f_locals.get("output")
            return tracer
        sys.settrace(tracer)
        print(0)
        """,
    ),
    cheat(
        "forged_records_on_stdout",
        "import sys; sys.stdout.buffer.write(b'\\x03\\0\\0\\0\\0\\0\\0\\0\\0' * 20)",
    ),
    cheat("answer_on_stderr", "import sys; print(int(input()) * 2, file=sys.stderr)"),
    cheat(
        "right_then_crash",
        "print(int(input()) * 2, flush=True); raise ValueError",
    ),
    cheat("right_then_segfault", "import ctypes\nprint(int(input()) * 2, flush=True); ctypes.string_at(0)"),
    cheat("right_then_exit_status", "import sys\nprint(int(input()) * 2); sys.exit(3)"),
    cheat(
        "answers_kept_in_a_file",
        """
        import os, pathlib
        seen = sorted(os.listdir("."))
        pathlib.Path(f"n{len(seen)}").write_text("x")
        print(len(seen))
        """,
        tests=(StdinTest("", "0"), StdinTest("", "1"), StdinTest("", "2")),
        deserves=1 / 3,
    ),
    cheat(
        "state_kept_in_the_interpreter",
        """
        import sys
        sys.counter = getattr(sys, "counter", -1) + 1
        print(sys.counter)
        """,
        tests=(StdinTest("", "0"), StdinTest("", "1"), StdinTest("", "2")),
        deserves=1 / 3,
    ),
    cheat(
        "state_kept_in_times_and_modes",
        """
        import os
        marked = os.stat(".").st_mtime_ns == 12345 or os.stat(".").st_mode & 0o777 == 0o711
        try:
            os.chmod(".", 0o711); os.utime(".", ns=(12345, 12345))
        except PermissionError: pass
        print("seen" if marked else "fresh")
        """,
        tests=(StdinTest("", "fresh"), StdinTest("", "seen"), StdinTest("", "seen")),
        deserves=1 / 3,
    ),
    cheat(
        "state_kept_in_shared_memory",
        """
        import ctypes
        libc = ctypes.CDLL(None)
        there = libc.shmget(0x51515, 4096, 0o600) >= 0
        libc.shmget(0x51515, 4096, 0o1600)
        print("seen" if there else "fresh")
        """,
        tests=(StdinTest("", "fresh"), StdinTest("", "seen")),
        deserves=0.5,
    ),
    cheat(
        "state_kept_in_locked_folders",
        """
        import os
        print("seen" if os.path.lexists("a") else "fresh")
        os.makedirs("a/b/c", exist_ok=True); open("a/b/c/f", "w").close()
        try:
            os.chmod("a/b", 0); os.chmod("a", 0); os.chmod(".", 0)
        except PermissionError: pass
        """,
        tests=(StdinTest("", "fresh"), StdinTest("", "seen")),
        deserves=0.5,
    ),
    Case("reads_the_repository", "print(open('@REPO@/LICENSE').read()[:5])", (StdinTest("", "@LICENSE@"),)),
]
