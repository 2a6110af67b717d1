"""Prints how right the labels are.

    python -m tests.accuracy [--fast] [--wrong FILE]

`--fast` takes fewer tables; `--wrong` writes each wrong answer to a file, to look at.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tests.accuracy import report
from tests.accuracy.answers import Answer, Asked, ask
from tests.accuracy.column_peers import beside
from tests.accuracy.columns import Table
from tests.accuracy.made_tables import made_tables, unmade
from tests.accuracy.negatives import negatives
from tests.accuracy.public_tables import public_tables
from tests.accuracy.shipped import TIERS
from tests.accuracy.text_report import report_texts
from tests.accuracy.texts import texts
from tests.benchmarks.peer import PeerAbsent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="fewer tables")
    parser.add_argument("--wrong", type=Path, help="write the wrong answers here")
    given = parser.parse_args()
    tables, hard = made_tables(3 if given.fast else 8), negatives()
    made, none = asked(tables), asked(hard)
    lines = columns_report(made) + report.negatives_of(none)
    real = _public()
    lines += real and report.public(real)
    lines += beside([*made["all"].answers, *none["all"].answers])
    lines += report_texts(texts(2 if given.fast else 8))
    print("\n".join(lines))
    if given.wrong:
        answers = [a for some in (made, none, real) if some for a in some["all"].answers]
        given.wrong.write_text("\n".join(wrong(answers)) + "\n", encoding="utf-8")


def asked(tables: Sequence[Table]) -> dict[str, Asked]:
    return {name: ask(tables, tiers) for name, tiers in TIERS.items()}


def _public() -> dict[str, Asked]:
    """The answers for real tables; nothing, and a line that says why, where their packages cannot be had."""
    try:
        return asked(public_tables())
    except PeerAbsent as absent:
        print(f"The real tables were left out: {absent}")
        return {}


def columns_report(made: dict[str, Asked]) -> list[str]:
    answers = made["all"].answers
    parts = [report.by_tier(made), report.by_slice(answers), report.by_class(answers), report.confused(answers)]
    lines = [line for part in [*parts, report.calibration(answers)] for line in part]
    return lines + ([f"No set has: {', '.join(unmade())}.", ""] if unmade() else [])


def wrong(answers: Sequence[Answer]) -> list[str]:
    found = []
    for answer in answers:
        if not answer.right:
            shown = [str(value)[:30] for value in answer.column.values if value not in (None, "")][:3]
            state = "automatic" if answer.automatic else "review"
            slices = ",".join(sorted(answer.column.slices))
            found.append(
                f"{answer.column.truth} -> {answer.told} {answer.confidence:.2f} {state} {answer.tier} | "
                f"{answer.table.name}.{answer.column.name} | {shown} | {slices}"
            )
    return sorted(found)


if __name__ == "__main__":
    main()
