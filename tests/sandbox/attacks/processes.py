"""Other processes: making them, and reaching those that are there."""

from tests.sandbox.attacks import cheat, probe

_CALL = "import ctypes, os, signal\nlibc = ctypes.CDLL(None, use_errno=True)\n"

CASES = [
    probe("fork", "import os\npid = os.fork()\nif pid == 0: os._exit(0)\nreturn True"),
    probe("vfork_by_number", _CALL + "return libc.syscall(58) > 0"),
    probe("clone_by_number", _CALL + "return libc.syscall(56, 17, 0, 0, 0, 0) >= 0"),
    probe("clone3_by_number", _CALL + "return libc.syscall(435, bytes(88), 88) >= 0"),
    probe("posix_spawn", "import os\nreturn os.posix_spawn('/bin/true', ['true'], {})"),
    probe("subprocess", "import subprocess\nreturn subprocess.run(['/bin/true']).returncode == 0"),
    probe("os_system", "import os\nreturn os.system('true') == 0"),
    probe(
        "multiprocessing",
        "import multiprocessing as m\np = m.get_context('fork').Process(target=print)\np.start()\nreturn True",
    ),
    probe("exec_in_place", "import os\nos.execv('/bin/sh', ['sh', '-c', 'echo BREACH'])"),
    probe(
        "exec_a_memory_file",
        "import os\nfd = os.memfd_create('x')\nos.write(fd, b'#!/bin/sh\\necho BREACH')\nos.execve(fd, ['x'], {})",
    ),
    cheat("fork_bomb", "import os\nwhile True:\n    try: os.fork()\n    except OSError: break\nprint(0)"),
    cheat(
        "thread_bomb",
        """
        import threading, time
        threading.stack_size(32768)
        n = 0
        try:
            while True:
                threading.Thread(target=time.sleep, args=(1,), daemon=True).start(); n += 1
        except RuntimeError: pass
        print("BREACH" if n > 4000 else n)
        """,
    ),
    probe("kill_parent", "import os\nos.kill(os.getppid(), 9)\nreturn True"),
    probe("kill_all", "import os\nos.kill(-1, 9)\nreturn True"),
    probe("kill_group", "import os\nos.killpg(0, 9)\nreturn True"),
    probe("kill_victim", "import os\nos.kill(@VICTIM@, 9)\nreturn True"),
    probe("tkill_parent", _CALL + "return libc.syscall(200, os.getppid(), 9) == 0"),
    probe("tgkill_parent", _CALL + "return libc.syscall(234, os.getppid(), os.getppid(), 9) == 0"),
    probe("sigqueue_parent", _CALL + "return libc.sigqueue(os.getppid(), 9, 0) == 0"),
    probe(
        "pidfd_signal_parent",
        _CALL + "fd = os.pidfd_open(os.getppid())\nreturn libc.syscall(424, fd, 9, 0, 0) == 0",
    ),
    probe(
        "pidfd_getfd_parent",
        _CALL + "fd = libc.syscall(434, os.getppid(), 0)\nreturn libc.syscall(438, fd, 3, 0) >= 0",
    ),
    probe(
        "owner_of_a_pipe_gets_signals",
        "import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(r, fcntl.F_SETOWN, os.getppid())\nreturn True",
    ),
    probe(
        "other_signal_for_a_pipe", "import fcntl, os\nr, w = os.pipe()\nfcntl.fcntl(r, 10, 9)\nreturn True"
    ),
    probe("ptrace_parent", _CALL + "return libc.ptrace(16, os.getppid(), 0, 0) == 0"),
    probe("ptrace_me", _CALL + "return libc.ptrace(0, 0, 0, 0) == 0"),
    probe(
        "limits_of_the_parent",
        "import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))\nreturn True",
    ),
    probe(
        "limits_raised",
        "import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (10**6, 10**6))\nreturn True",
    ),
    probe(
        "memory_limit_raised",
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (-1, -1))\nreturn True",
    ),
    probe(
        "priority_of_the_parent", "import os\nos.setpriority(os.PRIO_PROCESS, os.getppid(), 19)\nreturn True"
    ),
    probe("affinity_of_the_parent", "import os\nos.sched_setaffinity(os.getppid(), {0})\nreturn True"),
    probe("own_affinity", "import os\nos.sched_setaffinity(0, set(range(64)))\nreturn True"),
    probe(
        "real_time_scheduling",
        "import os\nos.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))\nreturn True",
    ),
    probe("own_session", "import os\nos.setsid()\nreturn True"),
    probe("own_group", "import os\nos.setpgid(0, 0)\nreturn True"),
    probe("survives_its_parent", _CALL + "return libc.prctl(1, 0, 0, 0, 0) == 0"),
    probe("becomes_dumpable", _CALL + "return libc.prctl(4, 1, 0, 0, 0) == 0"),
    probe("becomes_reaper", _CALL + "return libc.prctl(36, 1, 0, 0, 0) == 0"),
]
