"""The estate that end-to-end tests govern, and the settings they do it with."""

from dataclasses import dataclass
from pathlib import Path

from sextant_instance import Instance

ROWS = 30_000
PASSWORD = "Kestrel-Tarragon-7741-Viaduct"
SETTINGS = {"SEXTANT_PARTITION_BYTES": str(1 << 18), "SEXTANT_LEASE_SECONDS": "6"}


@dataclass(frozen=True)
class Estate:
    """A database and a folder that hold what `serve.demo.planted` says. `url` names no user, `owner` may do all."""

    owner: str
    url: str
    files: Path
    password: str = PASSWORD
    reader: str = "steward_reader"

    def govern(self, instance: Instance) -> tuple[str, ...]:
        """Governs the database as `shop`, by the reader's password; the printed lines."""
        arguments = ("govern", self.url, "--name", "shop", "--username", self.reader, "--password-env", "ESTATE_WORD")
        done = instance.cli(*arguments, environment={"ESTATE_WORD": self.password})
        return tuple(done.stdout.splitlines())
