"""The table of docs/connectors.md: what the contract suite said of each connector and format when it was last run.

    WRITE_TABLE=1 python -m pytest tests/connectors/test_contract.py

Without WRITE_TABLE a run compares: a target that the table has not, or a cell that says otherwise, fails the run.
"""

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "connectors.md"
BEGIN, END = "<!-- begin of the suite's table -->", "<!-- end of the suite's table -->"
SERVERS = {
    "postgresql": "PostgreSQL 18, started by the suite",
    "sqlite": "SQLite of Python",
    "mysql": "MariaDB of the distribution, started by the suite",
    "duckdb": "DuckDB",
    "folder": "files on disk",
    "s3": "Moto (emulates S3)",
    "azure": "Azurite (emulates Azure Blob)",
    "gcs": "Moto (the XML protocol of Google Cloud Storage has the shape of S3's)",
    "warehouse.postgresql": "PostgreSQL 18 by SQLAlchemy",
    "warehouse.mariadb": "MariaDB by SQLAlchemy",
}
COLUMNS = {
    "lists": "test_enumeration_lists_all_with_columns_and_is_complete",
    "each row once": "test_each_row_is_read_exactly_once",
    "any order": "test_partitions_can_be_read_alone_in_any_order_and_by_another_connector",
    "bounded": "test_batches_are_bounded_in_rows_and_bytes",
    "empty": "test_an_asset_without_rows_has_no_partitions",
    "stable marks": "test_unchanged_content_keeps_its_plan_and_fingerprints",
    "changes seen": "test_a_write_changes_the_fingerprints",
    "gone": "test_what_is_removed_after_it_was_planned_is_gone",
    "test": "test_the_connection_test_passes_its_steps",
    "unreachable": "test_a_place_that_is_not_there_fails_the_gate_and_says_what_to_do",
    "facts": "test_facts_hold_what_is_declared_and_nothing_that_is_not_known",
}
_SAID = {"passed": "yes", "failed": "NO", "skipped": "not run", "xfailed": "gap"}


class SuiteTable:
    """Collects what the suite says. Registered as a plugin of pytest."""

    def __init__(self) -> None:
        self.said: dict[str, dict[str, str]] = defaultdict(dict)
        self.reasons: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        path, _, name = report.nodeid.partition("::")
        if not path.endswith("test_contract.py") or (report.when != "call" and report.outcome == "passed"):
            return
        test, _, target = name.partition("[")
        outcome = "xfailed" if hasattr(report, "wasxfail") and report.skipped else report.outcome
        self.said[target.rstrip("]")][test] = outcome
        if outcome == "xfailed":
            self.reasons[target.rstrip("]")] = report.wasxfail

    def pytest_sessionfinish(self, session: Any) -> None:
        if not self.complete():
            return
        text = PAGE.read_text("utf-8")
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        if os.environ.get("WRITE_TABLE"):
            PAGE.write_text(f"{before}{BEGIN}\n{self.table()}{END}{after}", "utf-8")
        elif rest.partition(END)[0].strip() != self.table().strip():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            print(f"\n{PAGE.name} says otherwise of the connectors than the suite: run it with WRITE_TABLE=1.")

    def complete(self) -> bool:
        """Whether all tests of all targets were run: with some left out, or without a server, nothing can be said."""
        from contract_targets import TARGETS

        ran = all(set(COLUMNS.values()) <= set(self.said[target]) for target in TARGETS)
        return ran and not any("skipped" in found.values() for found in self.said.values())

    def table(self) -> str:
        """The table in Markdown, with the reasons of the gaps."""
        lines = [
            "| connector | against | " + " | ".join(COLUMNS) + " |",
            "| --- | --- |" + " --- |" * len(COLUMNS),
        ]
        for target in sorted(self.said):
            where = SERVERS.get(target) or SERVERS[target.partition(".")[0]]
            cells = [_SAID[self.said[target][test]] for test in COLUMNS.values()]
            lines.append(f"| `{target}` | {where} | " + " | ".join(cells) + " |")
        gaps = [f"- `{target}`: {reason}" for target, reason in sorted(self.reasons.items())]
        return "\n".join([*lines, "", *(["Gaps:", "", *gaps, ""] if gaps else [])])
