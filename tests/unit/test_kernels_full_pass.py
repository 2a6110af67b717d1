"""The cascade finds what a full pass of every detector over every value finds, to the last count and example."""

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from detection_columns import SALT, report_of, rules

from cluster.kernels.merge import fold
from cluster.kernels.report import AssetEvidence, ClassEvidence
from cluster.kernels.sketch import Hashing
from tests.benchmarks import naive
from tests.benchmarks.corpus import Corpus, build

ROWS = 2_000


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return build(tmp_path_factory.mktemp("estate"), ROWS)


def tables(corpus: Corpus) -> list[tuple[str, pa.Table]]:
    texts = [(p.stem, pa.csv.read_csv(p)) for p in corpus.files if p.suffix == ".csv"]
    return texts + [(p.stem, pq.read_table(p)) for p in corpus.files if p.suffix == ".parquet"]


def found_by_both(table: pa.Table) -> tuple[AssetEvidence, naive.Found]:
    batches = table.to_batches(max_chunksize=1_500)
    found: naive.Found = {}
    naive.full_pass(batches, rules(), Hashing(SALT), found)
    return fold([report_of(*batches)], 1, 0), found


def test_the_cascade_finds_what_a_full_pass_finds(corpus: Corpus) -> None:
    classes: set[str] = set()
    for name, table in tables(corpus):
        evidence, found = found_by_both(table)
        for column in evidence.columns:
            ours = {item.detector: item for item in column.classes}
            theirs: dict[str, ClassEvidence] = {
                detector: naive.class_evidence(
                    detector, counts, ours[detector].scanned if detector in ours else 0, column.profile.distinct,
                    ours.get(detector),
                )
                for detector, counts in found.get(column.column, {}).items()
            }  # fmt: skip
            assert ours == theirs, (name, column.column)
            classes |= ours.keys()
    assert len(classes) > 14, "the estate holds many classes"


def test_a_full_pass_reads_values_that_are_claimed_padded_or_embedded() -> None:
    table = pa.table(
        {
            "note": ["a@example.org", "see 10.0.0.1 or 4111 1111 1111 1111", " ", None, "2024-01-01T10:00:00Z"] * 3,
            "zip": pa.array([1234, 90210, None, 501, 10115] * 3),
            "amount": [4111111111111111.0, 1.5, float("nan"), None, 2.0] * 3,
            "born": pa.array([0, 9000, None, 5, 20_000] * 3, pa.date32()),
        }
    )
    evidence, found = found_by_both(table)
    ours = {c.column: {e.detector: (e.matched, e.whole, e.validated) for e in c.classes} for c in evidence.columns}
    theirs = {c: {d: (e.matched, e.whole, e.validated) for d, e in some.items()} for c, some in found.items()}
    assert ours == theirs
    assert ours["note"]
    assert ours["amount"]
