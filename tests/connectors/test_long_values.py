"""Values of many megabytes, and a thousand columns, in files of text: each row once, in bounded memory."""

import json
from pathlib import Path

import pytest
from resident import reading
from source_targets import Open, asset_of, cells_of

from cluster.formats.long_texts import LONGEST_TEXT

LONG = "x" * (24 << 20)


def _written(place: Path, name: str, values: list[str]) -> Path:
    path = place / name
    with path.open("w") as file:
        for number, value in enumerate(values):
            quoted = f'"{value}"' if name.startswith("quoted") else value
            row = {"id": number, "text": value}
            file.write(f"{number},{quoted}\n" if name.endswith(".csv") else json.dumps(row) + "\n")
    return path


@pytest.mark.parametrize("name", ["plain.csv", "quoted.csv", "x.jsonl"])
def test_a_value_of_many_megabytes_is_one_row(name: str, tmp_path: Path, opened: Open) -> None:
    path = _written(tmp_path, name, ["short", LONG, "short", LONG, *["short"] * 50])
    found = reading(path)
    assert found["rows"] == 54
    assert found["grown_mb"] < 300
    connector = opened(f"{tmp_path.as_uri()}?header=false")
    rows = cells_of(connector, connector.plan(asset_of(connector, name), 1 << 30))
    lengths = [len(list(row.values())[1]) for row in rows]
    assert sorted(set(lengths)) == [5, LONGEST_TEXT]


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_a_thousand_columns_take_no_more_memory_than_a_few(name: str, tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(1000)]
    line = ",".join("12345678" for _ in names) if name.endswith("csv") else json.dumps(dict.fromkeys(names, "12345678"))
    head = ",".join(names) + "\n" if name.endswith("csv") else ""
    (tmp_path / name).write_text(head + (line + "\n") * 3000)
    found = reading(tmp_path / name)
    assert found["rows"] == 3000
    assert found["grown_mb"] < 150
