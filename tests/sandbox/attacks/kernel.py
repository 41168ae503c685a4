"""Interfaces of the kernel that no program of this kind needs. Numbers are those of x86-64."""

from tests.sandbox.attacks import probe


def _call(name: str, number: int, *arguments: str):
    return probe(
        name,
        "import ctypes, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"return libc.syscall({', '.join([str(number), *arguments])}) >= 0",
        needs="x86_64",
    )


CASES = [
    probe(
        "attributes_of_the_scratch_folder",
        "import os\nos.setxattr('.', 'user.note', b'1')\nreturn True",
    ),
    probe("attributes_of_standard_input", "import os\nos.setxattr(0, 'user.note', b'1')\nreturn True"),
    # 40 to 42 are a shared process's own.
    probe(
        "descriptors_of_the_agent",
        """
        import os, stat
        found = []
        for fd in {*range(3, 1024)} - {40, 41, 42}:
            try:
                if not stat.S_ISDIR(os.fstat(fd).st_mode): found.append(fd)
            except OSError: pass
        return found
        """,
    ),
    probe(
        "says_it_was_compiled",
        """
        import os
        for fd in {*range(3, 1024)} - {40, 41, 42}:
            try:
                os.eventfd_write(fd, 1)
                return True
            except OSError: pass
        """,
    ),
    probe(
        "memory_files_of_its_own",
        "import os\nos.memfd_create('mine')\nreturn True",
    ),
    _call("mount", 165, "b'none'", "b'.'", "b'tmpfs'", "0", "0"),
    _call("umount", 166, "b'/'", "2"),
    _call("new_mount_interface", 430, "b'tmpfs'", "0"),
    _call("move_mount", 428, "-100", "b'/'", "0"),
    _call("pivot_root", 155, "b'.'", "b'.'"),
    _call("chroot", 161, "b'.'"),
    _call("unshare_user", 272, "0x10000000"),
    _call("unshare_everything", 272, "0x7e020000"),
    _call("clone_new_user", 56, "0x10000011", "0", "0", "0", "0"),
    _call("setns", 308, "0", "0"),
    _call("keyring_add", 248, "b'user'", "b'k'", "b'v'", "1", "-4"),
    _call("keyring_join", 250, "1", "0"),
    _call("request_key", 249, "b'user'", "b'k'", "0", "0"),
    _call("bpf", 321, "5", "bytes(128)", "128"),
    _call("perf_event_open", 298, "bytes(128)", "0", "-1", "-1", "0"),
    _call("userfaultfd", 323, "1"),
    _call("module_load", 175, "b''", "0", "b''"),
    _call("kexec", 246, "0", "0", "0", "0"),
    _call("reboot", 169, "0xfee1dead", "672274793", "0"),
    _call("swapon", 167, "b'/x'", "0"),
    _call("set_hostname", 170, "b'pwned'", "5"),
    _call("set_time", 164, "bytes(16)", "0"),
    _call("acct", 163, "0"),
    _call("quotactl", 179, "0", "0", "0", "0"),
    _call("iopl", 172, "3"),
    _call("kernel_log", 103, "3", "ctypes.create_string_buffer(100)", "100"),
    _call("personality", 135, "0x0040000"),
    _call("ldt", 154, "0", "bytes(16)", "16"),
    _call("setuid_root", 105, "0"),
    _call("setgroups", 116, "0", "0"),
    _call("capset", 126, "b'\\x22\\x05\\x08\\x20' + bytes(4)", "b'\\xff' * 24"),
    _call("fanotify", 300, "0", "0"),
    _call("process_madvise", 440, "0", "0", "0", "0", "0"),
    _call("kcmp", 312, "os.getpid()", "os.getppid()", "0", "0", "0"),
    _call("another_filter", 317, "1", "0", "bytes(16)"),
    _call("x32_interface", 0x40000000 + 39),
    probe("terminal_input", "import fcntl\nfcntl.ioctl(0, 0x5412, b'x')\nreturn True"),
    probe(
        "file_flags",
        "import fcntl\nf = open('f', 'w')\nfcntl.ioctl(f, 0x40086602, b'\\x10\\0\\0\\0\\0\\0\\0\\0')\nreturn True",
    ),
]
