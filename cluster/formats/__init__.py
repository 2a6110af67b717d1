"""Formats: how files are laid out. One module each; pyarrow is imported when a file is opened, not before.

A format is three functions over bytes that can be read at any place (`layout.Format`); where the bytes live is the
business of a connector.
"""

from importlib import import_module
from typing import cast

from cluster.formats.compression import codec_of, without_codec
from cluster.formats.layout import Format

_SUFFIXES = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_COMPRESSIBLE = ("csv", "jsonl")


def format_of(path: str) -> tuple[str, str] | None:
    """Name of the format of a file by the end of its name, and of its compression or ""; None for other files."""
    name = path.lower()
    codec, stem = codec_of(name), without_codec(name)
    found = next((kind for suffix, kind in _SUFFIXES.items() if stem.endswith(suffix)), None)
    if found is None or (codec and found not in _COMPRESSIBLE):
        return None
    return found, codec


def format_named(name: str) -> Format:
    """The module of a format."""
    return cast(Format, import_module(f"cluster.formats.{name}"))
