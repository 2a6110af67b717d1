"""Names that every group derives in the same way, so that none has to ask another for an identifier."""

import hashlib
import re
from typing import Final

# Words in the names of files that say how they lie there, and not what they hold.
_LAYOUT: Final = frozenset({
    "parquet", "csv", "tsv", "txt", "json", "jsonl", "ndjson", "avro", "orc", "xlsx", "xlsm", "xls", "db",
    "sqlite", "duckdb", "gz", "gzip", "zst", "zstd", "bz", "xz", "snappy", "lz", "part", "chunk", "data", "dump", "tmp",
})  # fmt: skip
_WORDS: Final = re.compile(r"[^\W\d_]{2,}")


def asset_id(source_id: str, path: str) -> str:
    """The identifier of an asset: 32 hexadecimal characters of SHA-256 over its source and its path."""
    return hashlib.sha256(f"{source_id}\0{path}".encode()).hexdigest()[:32]


def source_entity(source_id: str) -> str:
    """How events and audit entries name a source."""
    return f"source:{source_id}"


def asset_entity(identifier: str) -> str:
    """How events and audit entries name an asset."""
    return f"asset:{identifier}"


def table_of(path: str) -> str:
    """What an asset is called, in words: the table without its schema, the file without its folder, ending and number.

    `exports/customers/part-0.parquet` is "customers": where a file's own name says nothing, its folder's does. Empty
    where no part of the path says anything.
    """
    parts = path.replace("\\", "/").split("/")
    if len(parts) == 1 and _told(parts[0].rpartition(".")[2]):
        parts = [parts[0].rpartition(".")[2]]  # schema.table
    return next((told for part in reversed(parts) if (told := _told(part))), "")


def _told(name: str) -> str:
    return " ".join(word for word in _WORDS.findall(name) if word.lower() not in _LAYOUT)


def fraction_of(name: str) -> float:
    """A number from 0 up to 1 that is evenly spread over names and the same on every machine."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
