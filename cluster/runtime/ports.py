"""Ports of an instance: those that are set, or free ones that are chosen once and kept."""

import socket

from cluster.errors import ConfigurationError

# Ray gives 10002 to 19999 to its workers by default; the ephemeral range above 32768 may be taken at any moment.
_CHOICE = range(20_100, 32_000)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether nothing listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def choose(names: dict[str, int], kept: dict[str, int], offset: int) -> dict[str, int]:
    """A port for each name: the one that is set, the one that was kept, or the next free one behind `offset`.

    Raises ConfigurationError naming the setting if a port that is set is in use.
    """
    chosen: dict[str, int] = {}
    place = offset % len(_CHOICE)
    for name, wanted in names.items():
        port = wanted or kept.get(name, 0)
        if wanted and not is_free(wanted):
            raise ConfigurationError(
                f"Port {wanted} is in use by another process.", f"Set SEXTANT_{name.upper()}_PORT to a free one."
            )
        others = {*chosen.values(), *(number for other, number in kept.items() if other != name)}
        while not port or port in others or not is_free(port):
            port, place = _CHOICE[place], (place + 1) % len(_CHOICE)
        chosen[name] = port
    return chosen
