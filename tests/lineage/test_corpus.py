"""Every statement of the corpus gives exactly the pairs of columns that it must, and none raises."""

import pytest

from cluster.lineage.extract import Edge, Extraction, extract
from tests.lineage.corpus_files import Case, cases

CASES = cases()


def found(case: Case) -> Extraction:
    return extract(case.sql, case.dialect, case.schema, case.default_db, case.default_schema)


def detail(edge: Edge) -> str:
    target = edge.to_column or "*"
    table = ".".join(edge.to_table)
    words = [
        f"{'.'.join(edge.from_table)}.{edge.from_column or '*'} >",
        target if table == "<query>" else f"{table}.{target}",
    ]
    words += [edge.subtype, *(["masked"] if edge.masking else []), *([f"path={edge.path}"] if edge.path else [])]
    return " ".join(words)


def differences(case: Case) -> list[str]:
    """What is missing or too much, in words; nothing if the case is met."""
    got = found(case)
    pairs = set(got.column_edges)
    told = [f"missing {a} > {b}" for a, b in sorted(case.pairs - pairs)]
    told += [f"too much {a} > {b}" for a, b in sorted(pairs - case.pairs)]
    for name, wanted, had in (("in", case.tables_in, got.tables_in), ("out", case.tables_out, got.tables_out)):
        if wanted is not None and wanted != set(had):
            told.append(f"{name} {sorted(had)}")
    known = {detail(edge) for edge in got.edges}
    told += [f"no detail {line}" for line in case.details if line not in known]
    places = [(problem.line, problem.column) for problem in got.problems]
    if places != case.errors:
        told.append(f"errors {places} {[problem.message for problem in got.problems]}")
    return told


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}: {case.name}")
def test_a_statement_gives_exactly_its_edges(case: Case) -> None:
    assert differences(case) == []


def test_the_corpus_is_as_large_and_as_wide_as_it_says() -> None:
    assert len(CASES) >= 300
    assert len({case.dialect for case in CASES}) >= 8
    assert len({(case.dialect, case.name) for case in CASES}) == len(CASES)
