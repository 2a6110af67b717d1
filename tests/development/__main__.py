"""Prints how right the labels are on the development set.

    python -m tests.development [--per-class N] [--seed N] [--tiers all] [--of CLASS ...] [--wrong FILE]

    python -m tests.development --kinds N [--seed N] [--wrong FILE]

`--kinds` asks N columns of each kind of negatives alone, and writes only wrong answers of the part for tuning.
The causes of wrong labels are found and removed on this set, so that those of tests/accuracy stay unseen.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.accuracy import report
from tests.accuracy.__main__ import wrong
from tests.accuracy.answers import ask
from tests.accuracy.columns import NONE
from tests.accuracy.measures import scores
from tests.accuracy.shipped import TIERS
from tests.development.tables import PARTS, development_negatives, development_tables, negatives_of_kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-class", type=int, default=4)
    parser.add_argument("--negatives", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tiers", default="all", choices=sorted(TIERS))
    parser.add_argument("--of", nargs="*")
    parser.add_argument("--kinds", type=int, default=0, help="so many columns of each kind of negatives, and no others")
    parser.add_argument("--wrong", type=Path, help="write the wrong answers here")
    given = parser.parse_args()
    if given.kinds:
        kinds(given.kinds, given.seed, TIERS[given.tiers], given.wrong)
        return
    tables = development_tables(given.per_class, given.seed, given.of)
    tables += development_negatives(given.seed, given.negatives)
    asked = ask(tables, {given.tiers: TIERS[given.tiers]})
    answers = asked[given.tiers].answers
    low = {name: round(score.f1, 2) for name, score in scores(report.pairs_of(answers)).items() if score.f1 < 0.8}
    free = [answer for answer in answers if answer.column.truth == NONE and answer.table.source == "development"]
    false = sum(answer.told != NONE for answer in free)
    lines = [
        *report.by_tier(asked),
        *report.negatives_of(asked),
        *report.by_slice(answers),
        *report.by_class(answers),
        *report.confused(answers),
        *report.calibration(answers),
        f"Of no class among others: {len(free)}, with a label {false}.",
        f"Under 0.80: {low}",
    ]
    print("\n".join(lines))
    if given.wrong:
        given.wrong.write_text("\n".join(wrong(answers)) + "\n", encoding="utf-8")


def kinds(each: int, seed: int, tiers: Sequence[object], file: Path | None) -> None:
    """Prints how many negatives have a false label: by kind where one may look, else in all."""
    for part in PARTS:
        answers = ask(negatives_of_kinds(part, seed, each), {part: tiers})[part].answers
        false = [answer for answer in answers if answer.told != NONE]
        sure = sum(answer.automatic for answer in false)
        print(f"{part}: {len(false)} of {len(answers)} with a label, {sure} of them automatic")
        if part == "check":
            continue
        for (kind, told), count in sorted(Counter((one.table.source, one.told) for one in false).items()):
            print(f"  {kind}: {told} {count}")
        if file:
            file.write_text("\n".join(wrong(answers)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
