"""Bad input through the scan and on the spot: no crash, bounded memory, and never a wrong label.

`make test` takes values of 16 MB, LONG_TESTS=1 of 100 MB.
"""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy.orm import Session

from actors.classification import queries
from actors.classification.contract import ClassifyAssets
from actors.classification.realtime import classify_columns, classify_text
from actors.classification.worker import Questions, ask
from actors.scans import queries as scans
from cluster.detectors.compile import load_rule_set
from cluster.store.engine import make_engine
from tests.store.test_classification import carried_out
from tests.store.test_scan_incremental import Scanner

MEGABYTES = 100 if os.environ.get("LONG_TESTS") else 16
ROWS = 120
CHANCE = random.Random(8)


def noise(count: int) -> str:
    return bytes(CHANCE.randrange(256) for _ in range(count)).decode("latin-1")


# Names that promise much over values that hold nothing of it: whatever is said of these is wrong.
HOSTILE: dict[str, list[str | None]] = {
    "email": [None] * ROWS,
    "ssn": [""] * ROWS,
    "phone": ["n/a"] * ROWS,
    "iban": [noise(40) for _ in range(ROWS)],
    "credit_card": ["0000000000000000"] * ROWS,
    "ip_address": ["\x00\x01\x02"] * ROWS,
    "mac": ["e" + "\u0301\u0327\u0489" * 30 + str(n) for n in range(ROWS)],
    "vin": ["שלום עולם זה רק טקסט " + "א" * (n % 7) for n in range(ROWS)],
    "api_key": ["\ufeff\u200b\u202e" + "." * (n % 5) for n in range(ROWS)],
    "url": ["\U0001f469\u200d\U0001f469\u200d\U0001f467" * (1 + n % 3) for n in range(ROWS)],
    "status": ["ACTIVE"] * ROWS,
}
TRUE = {
    "mail": [f"\u202bp{n}@example.org\u202c" for n in range(ROWS)],
    "address": [f"84.{n + 100}.{n}.{250 - n}" for n in range(ROWS)],
}
RIGHT = {("mail", "contact.email"), ("address", "network.ip_address")}


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    engine = make_engine(database_url)
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


def labels_of(session: Session, folder: Path) -> set[tuple[str, str]]:
    """(column, class) of every label that a scan of the folder leads to, by all tiers."""
    scanner = Scanner(session, folder)
    source, rules = scanner.access.source_id, load_rule_set().value
    scanner.scan(rules)
    (scan,) = scans.list_scans(session, source_id=source)
    evidence = tuple(scans.evidence(session, scan.id))
    answers = ask(Questions(evidence=evidence, rules=rules))
    assert not answers.skipped
    carried_out(session, ClassifyAssets(source_id=source, evidence=evidence, rules=rules, guesses=answers.guesses))
    return {(label.column, label.data_class) for label in queries.labels_of_source(session, source)}


def test_hostile_columns_of_a_table_are_labelled_by_nothing(session: Session, tmp_path: Path) -> None:
    pq.write_table(pa.table({**HOSTILE, **TRUE}), tmp_path / "t.parquet", row_group_size=50)
    assert labels_of(session, tmp_path) == RIGHT


def test_lines_of_json_and_bytes_that_are_no_text(session: Session, tmp_path: Path) -> None:
    columns = {**HOSTILE, **TRUE}
    rows = ({name: values[n] for name, values in columns.items()} for n in range(ROWS))
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert labels_of(session, tmp_path) == RIGHT
    other = tmp_path / "bytes"
    other.mkdir()
    broken = b"".join(b"\xff\xfe\xc3\x28%d,p%d@example.org,\xe2\x82\n" % (n, n) for n in range(ROWS))
    (other / "t.csv").write_bytes(b"ssn,mail,phone\n" + broken)
    assert labels_of(session, other) == {("mail", "contact.email")}


def test_binary_columns_hold_no_text(session: Session, tmp_path: Path) -> None:
    blobs = [bytes(CHANCE.randrange(256) for _ in range(64)) for _ in range(ROWS)]
    table = {"iban": pa.array(blobs, pa.binary()), "email": pa.array([b"\xff" * 9] * ROWS, pa.binary())}
    pq.write_table(pa.table({**table, "mail": TRUE["mail"]}), tmp_path / "t.parquet")
    assert labels_of(session, tmp_path) == {("mail", "contact.email")}


def test_the_same_on_the_spot() -> None:
    found = classify_columns({**HOSTILE, **TRUE, "half": ["\ud800x\udfff"] * ROWS}, "t", ["rules"])
    assert {(name, one.data_class) for name, ranked in found.items() for one in ranked} == RIGHT
    texts = [text for values in HOSTILE.values() for text in values[:3] if text]
    assert [spans for spans in classify_text([*texts, "\ud800 ada@example.org"], ["rules"]) if spans] == [
        classify_text(["? ada@example.org"], ["rules"])[0]
    ]


LARGE = """
import sys
from pathlib import Path
from actors.classification.realtime import classify_columns, classify_text, default_rules, evidence_of_batches
import pyarrow as pa, pyarrow.parquet as pq

def peak():
    return next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM:"))

kind, megabytes, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
classify_columns({"mail": ["ada@example.org"]}, "", ["rules"])
classify_text(["ada@example.org"], ["rules"])
before = peak()
value = "x@y z " * (megabytes * 1024 * 1024 // 6)
if kind == "columns":
    found = classify_columns({"note": [value, "ada@example.org"] + ["-"] * 50}, "", ["rules"])["note"]
    print(peak() - before, *[one.data_class for one in found])
elif kind == "text":
    (spans,) = classify_text([value + " ada@example.org"], ["rules"])
    print(peak() - before, *[span.data_class for span in spans])
else:
    from actors.scans.worker import scan_partition
    from actors.scans.contract import ScanRules
    from cluster.connectors import open_connector, split_url
    from cluster.connectors.interface import SourceAccess
    table = pa.table({"note": pa.array([value, "ada@example.org"] + ["-"] * 50, pa.large_string())})
    pq.write_table(table, folder / "t.parquet", row_group_size=10)
    del value, table
    before = peak()
    access = SourceAccess(source_id="s", url=split_url(folder.as_uri()).url)
    connector = open_connector(access, {})
    (asset,) = connector.enumerate().assets
    rules = default_rules()
    given = ScanRules(name="default", version=1, digest=rules.digest, spec=rules.spec)
    found = set()
    for partition in connector.plan(asset, 1 << 26):
        for column in scan_partition(access, partition, given).columns:
            found |= {name for name, counts in column.detectors.items() if counts.validated}
    print(peak() - before, *sorted(found))
"""


@pytest.mark.parametrize("kind", ["scan", "columns", "text"] if os.environ.get("LONG_TESTS") else ["scan", "text"])
def test_a_value_of_many_megabytes_takes_bounded_memory(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", LARGE, kind, str(MEGABYTES), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    grown, *classes = done.stdout.split()
    assert classes == ["contact.email"]
    assert int(grown) < 200 + 8 * MEGABYTES
