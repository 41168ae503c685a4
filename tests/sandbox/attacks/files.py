# ruff: noqa: E501 - a program on one line is easier to read than one cut in pieces
"""What lies on this machine, and room to fill."""

from sandbox import Limits, StdinTest
from tests.sandbox.attacks import Case, cheat, probe

_SMALL = Limits(total_s=10, output_bytes=1 << 20)

CASES = [
    probe("secret_file", "return 'canary' in open('@SECRET@').read()"),
    probe("secret_in_the_environment", "import os\nreturn any('canary' in v for v in os.environ.values())"),
    probe("home", "import os\nreturn len(os.listdir('@HOME@')) >= 0"),
    probe("passwords", "return 'root' in open('/etc/passwd').read()"),
    probe("list_the_root", "import os\nreturn 'etc' in os.listdir('/') and 'home' in os.listdir('/')"),
    probe("other_processes", "import os\nreturn os.listdir('/proc') != []"),
    probe("own_command_line", "return open('/proc/self/cmdline').read() != ''"),
    probe("parents_environment", "import os\nreturn open(f'/proc/{os.getppid()}/environ').read() != ''"),
    probe(
        "through_a_link", "import os\nos.symlink('@SECRET@', 'link')\nreturn 'canary' in open('link').read()"
    ),
    probe(
        "through_a_hard_link",
        "import os\nos.link('@SECRET@', 'link')\nreturn 'canary' in open('link').read()",
    ),
    probe("upwards", "import os\nreturn 'canary' in open('../' * 20 + '@SECRET@'.lstrip('/')).read()"),
    probe(
        "through_a_descriptor_of_the_library",
        "import os\nfor fd in range(3, 20):\n    try:\n        if 'canary' in os.fdopen(os.open('../' * 20 + '@SECRET@'.lstrip('/'), 0, dir_fd=fd)).read(): return True\n    except OSError: pass",
    ),
    probe("write_over_a_file", "open('@VICTIM_FILE@', 'w').write('gone')\nreturn True"),
    probe("remove_a_file", "import os\nos.unlink('@VICTIM_FILE@')\nreturn True"),
    probe("truncate_a_file", "import os\nos.truncate('@VICTIM_FILE@', 0)\nreturn True"),
    probe("times_of_a_file", "import os\nos.utime('@VICTIM_FILE@', (0, 0))\nreturn True"),
    probe(
        "times_of_an_open_file",
        "import os\nfd = os.open(os.__file__, 0)\nold = os.fstat(fd).st_mtime\nos.utime(fd, (1, 1))\nreturn os.fstat(fd).st_mtime != old",
    ),
    probe("mode_of_an_open_file", "import os\nos.fchmod(os.open('@VICTIM_FILE@', 0), 0o600)\nreturn True"),
    probe("mode_of_a_file", "import os\nos.chmod('@VICTIM_FILE@', 0o777)\nreturn True"),
    probe(
        "new_file_in_tmp",
        "open('@TMP@/planted', 'w').write('x')\nreturn __import__('os').path.exists('@TMP@/planted')",
    ),
    probe("new_file_in_shared_memory", "open('/dev/shm/planted', 'w').write('x')\nreturn True"),
    probe(
        "write_into_the_library",
        "import os\nopen(os.path.dirname(os.__file__) + '/planted.py', 'w')\nreturn True",
    ),
    probe(
        "device_node",
        "import os, stat\nos.mknod('disk', 0o600 | stat.S_IFBLK, os.makedev(8, 0))\nreturn True",
    ),
    probe(
        "raw_disk",
        "import os\nreturn any(os.open(f'/dev/{d}', os.O_RDONLY) for d in ('vda', 'sda', 'mem', 'kmsg'))",
    ),
    probe("terminal", "return open('/dev/tty') is not None"),
    probe("socket_file_in_scratch", "import os, stat\nos.mknod('s', 0o600 | stat.S_IFSOCK)\nreturn True"),
    probe(
        "core_dump_setting",
        "import resource\nresource.setrlimit(resource.RLIMIT_CORE, (1 << 30, 1 << 30))\nreturn True",
    ),
    probe("installed_packages", "import prorl_envs\nreturn True"),
    probe("file_handle", "import ctypes\nreturn ctypes.CDLL(None).syscall(304, -100, bytes(64), 0) >= 0"),
    Case(
        "fills_the_disk",
        "n = 0\ntry:\n    for i in range(10000):\n        with open(f'f{i}', 'wb') as f: n += f.write(b'x' * (1 << 20)); f.flush()\nexcept OSError: pass\nprint('BREACH' if n > 200 << 20 else 'HELD')",
        (StdinTest("", "BREACH"),),
        limits=_SMALL,
        says="HELD",
    ),
    Case(
        "fills_the_inodes",
        "n = 0\ntry:\n    while n < 100000:\n        open(f'f{n}', 'w').close(); n += 1\nexcept OSError: pass\nprint('BREACH' if n > 20000 else 'HELD')",
        (StdinTest("", "BREACH"),),
        says="HELD",
    ),
    Case(
        "sparse_giant",
        "f = open('giant', 'wb')\ntry:\n    f.truncate(1 << 40); print('BREACH')\nexcept OSError: print('HELD')",
        (StdinTest("", "BREACH"),),
        limits=_SMALL,
        says="HELD",
    ),
    cheat(
        "deep_folders",
        "import os\ntry:\n    for _ in range(3000):\n        os.mkdir('d'); os.chdir('d')\nexcept OSError: pass\nprint(0)",
    ),
    cheat("output_flood", "import sys\nwhile True: sys.stdout.write('x' * 65536)", limits=_SMALL),
    cheat("error_flood", "import sys\nwhile True: sys.stderr.write('x' * 65536)", limits=_SMALL),
    cheat("sparse_output", "import os\nos.ftruncate(1, 1 << 30)", limits=_SMALL),
]
