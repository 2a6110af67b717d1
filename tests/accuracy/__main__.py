"""Prints how right the labels are.

    python -m tests.accuracy [--fast] [--write] [--wrong FILE]

`--fast` takes fewer tables; `--write` puts the report into docs/accuracy.md and its plot beside it; `--wrong` writes
each wrong answer to a file, to look at.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.accuracy import report
from tests.accuracy.answers import Answer, Asked, ask
from tests.accuracy.column_peers import beside
from tests.accuracy.columns import Table
from tests.accuracy.made_tables import made_tables, unmade
from tests.accuracy.measures import reliability
from tests.accuracy.negatives import negatives
from tests.accuracy.plot import reliability_plot
from tests.accuracy.public_tables import public_tables
from tests.accuracy.shipped import TIERS
from tests.accuracy.text_report import measure_texts
from tests.accuracy.texts import texts
from tests.benchmarks.peer import PeerAbsent

PAGE: Final = Path(__file__).parents[2] / "docs" / "accuracy.md"
BEGINS: Final = "<!-- what `make accuracy` printed last begins here -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="fewer tables")
    parser.add_argument("--write", action="store_true", help="write the report into docs/accuracy.md")
    parser.add_argument("--wrong", type=Path, help="write the wrong answers here")
    given = parser.parse_args()
    public, absent = _public()
    tables = [*made_tables(3 if given.fast else 8), *negatives(), *public]
    asked = ask(tables, TIERS)
    answers = asked["all"].answers
    spans = measure_texts(texts(2 if given.fast else 8))
    lines = [*report.targets(answers, spans), *_columns(asked), *absent, *beside(answers), *spans.lines]
    print("\n".join(lines))
    if given.write:
        above = PAGE.read_text(encoding="utf-8").split(BEGINS)[0]
        PAGE.write_text(f"{above}{BEGINS}\n\n" + "\n".join(lines).rstrip() + "\n", encoding="utf-8")
        plot = reliability_plot(reliability(report.told(answers)))
        PAGE.with_suffix(".svg").write_text(plot, encoding="utf-8")
    if given.wrong:
        given.wrong.write_text("\n".join(wrong(answers)) + "\n", encoding="utf-8")


def _public() -> tuple[list[Table], list[str]]:
    """The real tables; none, and a line that says why, where their packages cannot be had."""
    try:
        return public_tables(), []
    except PeerAbsent as absent:
        return [], [f"The real tables were left out: {absent}", ""]


def _columns(asked: dict[str, Asked]) -> list[str]:
    answers = asked["all"].answers
    parts = [
        *(report.by_tier(asked), report.negatives_of(asked), report.by_source(answers), report.by_slice(answers)),
        *(report.by_class(answers), report.confused(answers), report.calibration(answers)),
    ]
    lines = [line for part in parts for line in part]
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
