"""Names the machine and the versions a figure was measured on: a ratio without them is worth little."""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
"""Environment of every measured process, so that a figure per core is one core's."""


def describe() -> str:
    """One line each for processor, memory and system, and for the versions of what is compared."""
    memory = psutil.virtual_memory()
    names = ("sextant", "polars", "pyarrow", "ray", "psycopg")
    return "\n".join(
        [
            f"machine  {processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
            f"memory   {memory.total / 2**30:.0f} GiB, {memory.available / 2**30:.0f} GiB free",
            f"system   {platform.system()} {platform.release()}, Python {platform.python_version()}",
            "packages " + ", ".join(f"{name} {_version(name)}" for name in names),
        ]
    )


def processor() -> str:
    """The processor's name as the kernel gives it, else the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), platform.machine())


def environment() -> dict[str, str]:
    """The environment of a measured process: this one's, with one thread for each native pool."""
    return {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(sys.path[:1])}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
