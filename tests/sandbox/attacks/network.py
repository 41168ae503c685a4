# ruff: noqa: E501 - a program on one line is easier to read than one cut in pieces
"""Reaching out."""

from tests.sandbox.attacks import probe

_S = "import socket\n"

CASES = [
    probe("tcp_to_loopback", _S + "socket.create_connection(('127.0.0.1', @PORT@), 2)\nreturn True"),
    probe("tcp6_to_loopback", _S + "socket.create_connection(('::1', @PORT@), 2)\nreturn True"),
    probe(
        "udp_to_loopback",
        _S
        + "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', @PORT@))\nreturn True",
    ),
    probe("raw_socket", _S + "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)\nreturn True"),
    probe("listen", _S + "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\nreturn True"),
    probe("unix_socket", _S + "s = socket.socket(socket.AF_UNIX); s.connect('@UNIX@')\nreturn True"),
    probe(
        "abstract_socket", _S + "s = socket.socket(socket.AF_UNIX); s.connect('\\0@ABSTRACT@')\nreturn True"
    ),
    probe(
        "datagram_pair_to_elsewhere",
        _S
        + "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\na.sendto(b'x', '\\0@ABSTRACT@')\nreturn True",
    ),
    probe("reconnect_a_pair", _S + "a, b = socket.socketpair()\na.connect('\\0@ABSTRACT@')\nreturn True"),
    probe(
        "descriptor_over_a_pair",
        _S
        + "import array\na, b = socket.socketpair()\na.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0]))])\nreturn True",
    ),
    probe("netlink", _S + "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)\nreturn True"),
    probe("packet", _S + "socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)\nreturn True"),
    probe("vsock", _S + "socket.socket(40, socket.SOCK_STREAM)\nreturn True"),
    probe("kernel_crypto_socket", _S + "socket.socket(38, socket.SOCK_SEQPACKET)\nreturn True"),
    probe("io_uring", "import ctypes\nreturn ctypes.CDLL(None).syscall(425, 8, bytes(120)) >= 0"),
    probe(
        "name_resolution",
        _S + "return bool(socket.getaddrinfo('localhost', 80, proto=0, flags=0)) and bool(socket.socket())",
    ),
    probe(
        "http_by_urllib",
        "import urllib.request\nreturn urllib.request.urlopen('http://127.0.0.1:@PORT@/', timeout=2)",
    ),
]
