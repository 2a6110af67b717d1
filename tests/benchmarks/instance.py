"""A Sextant of the benchmark's own: `sextant up` in a new folder and on free ports, taken down at the end."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InstanceFailed(Exception):
    """The instance did not start; the message is the end of what it printed."""


@contextmanager
def own_instance() -> Iterator[tuple[str, str, Path]]:
    """URL, administrator's token and home of an instance that lives as long as the block. Raises InstanceFailed."""
    with tempfile.TemporaryDirectory(prefix="sextant-bench-home-") as folder:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEXTANT_", "RAY_ADDRESS"))}
        ports = {"SEXTANT_HTTP_PORT": "0", "SEXTANT_DASHBOARD_PORT": "0"}
        environment = kept | ports | {"SEXTANT_HOME": folder}
        command = [sys.executable, "-m", "serve.cli"]
        try:
            up = subprocess.run([*command, "up"], env=environment, capture_output=True, text=True, check=False)
            if up.returncode:
                raise InstanceFailed((up.stderr.strip() or up.stdout.strip())[-500:])
            run = Path(folder) / "run"
            port = json.loads((run / "instance.json").read_text("utf-8"))["ports"]["http"]
            yield f"http://127.0.0.1:{port}", (run / "token").read_text("utf-8").strip(), Path(folder)
        finally:
            subprocess.run([*command, "down"], env=environment, capture_output=True, check=False)
