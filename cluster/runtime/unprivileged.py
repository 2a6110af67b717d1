"""Running a program as an unprivileged user from root, in folders that only root can enter.

PostgreSQL refuses to run as root. Its binaries and its data may lie where only root may look (a home of mode 0700),
and no folder but its own may be changed. So the child gives up root but keeps one Linux capability, the right to read
and to search any folder (capabilities(7)); it can still write only what belongs to it. Where the system withholds that
one from root, as containers do, it keeps the wider CAP_DAC_OVERRIDE.
"""

import ctypes
import os
import pwd
from collections.abc import Callable, Sequence
from pathlib import Path

from cluster.errors import ConfigurationError

_PR_SET_KEEPCAPS, _PR_SET_SECUREBITS, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 8, 28, 47, 2
# access(2) answers without capabilities for a user who is not root, and initdb asks it; with this bit it does not.
_SECBIT_NO_SETUID_FIXUP = 4
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    ]


def account(name: str) -> tuple[int, int]:
    """User and group number of a Unix user. Raises ConfigurationError if there is none, or it is root."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise ConfigurationError(f"There is no Unix user '{name}'.", "Set SEXTANT_POSTGRES_USER.") from None
    if entry.pw_uid == 0:
        raise ConfigurationError("PostgreSQL cannot run as root.", "Set SEXTANT_POSTGRES_USER to another user.")
    return entry.pw_uid, entry.pw_gid


def may_enter(uid: int, gid: int, paths: Sequence[Path]) -> bool:
    """Whether that user could search every folder on the way to the paths by their modes."""
    folders = {folder for path in paths for folder in path.resolve().parents}
    for folder in folders:
        status = folder.stat()
        bit = 0o100 if status.st_uid == uid else 0o010 if status.st_gid == gid else 0o001
        if not status.st_mode & bit:
            return False
    return True


def dropping_root(uid: int, gid: int, paths: Sequence[Path]) -> Callable[[], None]:
    """A function for the child to call before it starts the program: it becomes that user.

    Only where the user could not reach the paths does the child keep the right to search and read.
    """
    keep = not may_enter(uid, gid, paths)
    library = ctypes.CDLL(None, use_errno=True)

    def drop() -> None:
        if keep:
            library.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
            library.prctl(_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        if keep and not (_raise(library, _CAP_DAC_READ_SEARCH) or _raise(library, _CAP_DAC_OVERRIDE)):
            raise PermissionError("the system does not allow to keep the right to search folders")

    return drop


def _raise(library: ctypes.CDLL, capability: int) -> bool:
    """Keeps one capability over the start of a program; false if this system does not grant it."""
    mask = 1 << capability
    header = _Header(_CAPABILITY_VERSION_3, 0)
    data = (_Data * 2)(_Data(mask, mask, mask), _Data(0, 0, 0))
    if library.capset(ctypes.byref(header), ctypes.byref(data)):
        return False
    return not library.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)
