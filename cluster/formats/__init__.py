"""Formats: how files are laid out. One module each; pyarrow is imported when a file is opened, not before.

A format is three functions over bytes that can be read at any place (`layout.Format`); where the bytes live is the
business of a connector.
"""

import re
from importlib import import_module
from typing import cast

from cluster.formats.compression import codec_of, without_codec
from cluster.formats.layout import Format, Tables

_SUFFIXES = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".avro": "avro",
    ".orc": "orc",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
}
_COMPRESSIBLE = ("csv", "jsonl")
_SEVERAL = re.compile(r"(.*?\.(?:xlsx|xlsm|xls))#(.+)", re.I | re.S)
KNOWN = "Parquet, CSV, TSV, JSON Lines, Avro, ORC and Excel"


def format_of(path: str) -> tuple[str, str] | None:
    """Name of the format of a file by the end of its name, and of its compression or ""; None for other files."""
    name = path.lower()
    codec, stem = codec_of(name), without_codec(name)
    found = next((kind for suffix, kind in _SUFFIXES.items() if stem.endswith(suffix)), None)
    if found is None or (codec and found not in _COMPRESSIBLE):
        return None
    return found, codec


def split_table(path: str) -> tuple[str, str]:
    """File and table of the path of an asset: `book.xlsx#Sheet`. The table is "" where a file is one table."""
    found = _SEVERAL.fullmatch(path)
    return (found[1], found[2]) if found else (path, "")


def tables_of(format_: Format) -> Tables | None:
    """What lists the tables of a file, for formats of which a file holds several."""
    return cast(Tables | None, getattr(format_, "tables", None))


def format_named(name: str) -> Format:
    """The module of a format."""
    return cast(Format, import_module(f"cluster.formats.{name}"))
