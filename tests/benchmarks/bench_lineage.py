"""Column lineage: statements a second on one core over the corpus, beside sqlglot's own lineage and sqllineage.

python -m tests.benchmarks.bench_lineage [--rounds 3]

The mixed load is every case of tests/lineage/corpus, each with its schema. The peers get what they take: sqlglot's
`lineage` single queries, sqllineage the cases in PostgreSQL's dialect. Time is processor time of this process.
"""

import argparse
import time
from collections.abc import Callable

import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage

from cluster.lineage.extract import extract
from tests.benchmarks.peer import Peer, PeerAbsent
from tests.lineage.corpus_files import Case, cases

SQLLINEAGE = Peer("sqllineage", ("sqllineage",), "peer_sqllineage.py")


def ours(case: Case) -> int:
    found = extract(case.sql, case.dialect, case.schema, case.default_db, case.default_schema)
    return max(1, found.statements)


def sqlglots(case: Case) -> int:
    """Every output column of a single query by sqlglot's own lineage; nothing for what it does not take."""
    try:
        query = sqlglot.parse_one(case.sql, read=case.dialect)
        if not isinstance(query, exp.Query):
            return 0
        for column in query.named_selects:
            lineage(column, query, schema=dict(case.schema), dialect=case.dialect)
    except Exception:  # a query that it cannot resolve
        return 0
    return 1


def rate(work: Callable[[Case], int], load: list[Case], rounds: int) -> tuple[float, int]:
    """Statements a second of processor time, and how many there were in a round."""
    began, count = time.process_time(), 0
    for _ in range(rounds):
        count += sum(work(case) for case in load)
    return count / (time.process_time() - began), count // rounds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    load = cases()
    for case in load:  # the first time, tables of the parsers are made
        ours(case)
    speed, count = rate(ours, load, rounds)
    dialects = len({case.dialect for case in load})
    print(f"extract        {speed:7,.0f} statements/s   {count} statements of {dialects} dialects")
    single = [case for case in load if sqlglots(case)]
    theirs, count = rate(sqlglots, single, 1)
    mine, _ = rate(ours, single, rounds)
    print(f"sqlglot        {theirs:7,.0f} statements/s   {count} single queries; extract on the same: {mine:,.0f}")
    postgres = [case for case in load if case.dialect == "postgres"]
    mine, count = rate(ours, postgres, rounds)
    try:
        told = SQLLINEAGE.measure("postgres", [case.sql for case in postgres])
    except PeerAbsent as absent:
        print(f"sqllineage     absent: {absent}")
        return
    theirs = told["values"] / told["cpu_seconds"]
    print(f"sqllineage     {theirs:7,.0f} texts/s   {told['values']} texts of PostgreSQL; extract on them: {mine:,.0f}")


if __name__ == "__main__":
    main()
