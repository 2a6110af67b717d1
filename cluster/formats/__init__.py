"""Formats: how files are laid out. One module each, chosen by the ending of the file's name."""

from functools import cache

from cluster.formats.interface import Format

SUFFIXES = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


def format_name(path: str) -> str | None:
    """The format of a file by its name, None where it has none that is read. Text may be compressed (.gz)."""
    lower = path.lower()
    name = next((name for suffix, name in SUFFIXES.items() if lower.endswith(suffix)), None)
    if name is None and lower.endswith(".gz"):
        name = next((n for s, n in SUFFIXES.items() if n != "parquet" and lower.endswith(s + ".gz")), None)
    return name


@cache
def file_format(name: str) -> Format:
    """The format of that name."""
    if name == "parquet":
        from cluster.formats.parquet import ParquetFormat

        return ParquetFormat()
    if name == "csv":
        from cluster.formats.csv import CsvFormat

        return CsvFormat()
    from cluster.formats.jsonl import JsonLinesFormat

    return JsonLinesFormat()
