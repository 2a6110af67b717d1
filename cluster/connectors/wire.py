"""What comes over a connection, as anybody on the way counts it, and how much may lie in it unread."""

import fcntl
import os
import socket
import struct
import sys
import termios

_LEAST_BUFFER, _MOST_BUFFER = 16 << 10, 256 << 10  # Linux doubles it; below the least TCP waits for its timers
_BUFFERS_A_WINDOW = 8
_BYTES_RECEIVED = 128  # the place in struct tcp_info of linux/tcp.h, since Linux 4.1


class Wire:
    """What has come over a connection: by the kernel's own count, else by what lay there each time somebody looked."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._told = sys.platform == "linux" and self._socket.family != socket.AF_UNIX
        self._counted = 0

    def narrow(self, room: int) -> int:
        """Makes the receive buffer small against the bytes of a window, and says what room is to be kept for it."""
        size = min(_MOST_BUFFER, max(_LEAST_BUFFER, room // _BUFFERS_A_WINDOW))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        return min(self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF), room // 2)

    def uncounted(self) -> int:
        """The bytes that have come since the last call."""
        if not self._told:
            (waiting,) = struct.unpack("i", fcntl.ioctl(self._socket, termios.FIONREAD, b"\0\0\0\0"))
            return int(waiting)
        told = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        before, self._counted = self._counted, struct.unpack_from("=Q", told, _BYTES_RECEIVED)[0]
        return int(self._counted - before)

    def close(self) -> None:
        self._socket.close()
