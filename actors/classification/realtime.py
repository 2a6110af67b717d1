"""Classification on the spot: values or texts in, classes out; nothing of them is kept.

Values go the way that a scan goes: the same kernels, the same evidence, the same verdict.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import pyarrow as pa

from actors.classification.free_text import Occurrence, occurrences
from actors.classification.guessing import told_of
from actors.classification.joining import Joined, join
from actors.classification.tiers import NONE, Models, Ranked, Tier, wanted
from cluster.connectors.interface import Partition
from cluster.detectors.compile import CompiledRules, compile, load_rule_set
from cluster.detectors.spans import Span, both_tiers, find_spans
from cluster.detectors.taxonomy import load_taxonomy
from cluster.kernels import scan_batches
from cluster.kernels.intervals import clopper_pearson
from cluster.kernels.merge import fold
from cluster.kernels.report import ColumnEvidence
from cluster.kernels.text_reader import TextReader

_SALT: Final = os.urandom(16)  # hashes of values live as long as the call
_HALF: Final = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


@cache
def default_rules() -> CompiledRules:
    """The installed detectors under the installed default rule set, compiled once for this process."""
    return compile(load_rule_set().value)


def classify_columns(
    columns: Mapping[str, Sequence[object]],
    table: str = "",
    tiers: Sequence[object] | None = None,
    *,
    models: Models = NONE,
    rules: CompiledRules | None = None,
) -> dict[str, tuple[Ranked, ...]]:
    """The classes of each column, ranked. `columns` maps names to values (None is null), `table` names what holds them.

    `tiers` are names or numbers, all if left out; a tier without a model takes no part (`Models.skipped`). Tier 3 sees
    only columns that the tiers before it did not settle. Raises InvalidInput for an unknown tier.
    """
    using = rules or default_rules()
    chosen = wanted(tiers)
    evidence = evidence_of(columns, using, models if "language" in chosen else NONE)
    return classify_evidence(evidence, table, chosen, models=models, rules=using)


def classify_evidence(
    evidence: Mapping[str, ColumnEvidence],
    table: str = "",
    tiers: Sequence[object] | None = None,
    *,
    models: Models = NONE,
    rules: CompiledRules | None = None,
) -> dict[str, tuple[Ranked, ...]]:
    """The same from what the scan kernels found in the columns of a table, by name."""
    chosen, using = wanted(tiers), rules or default_rules()
    taxonomy = load_taxonomy().value
    told = told_of(list(evidence.values()), table, models, using, chosen)
    return {
        name: _with_texts(evidence[name], join(labels, guesses, taxonomy, using), chosen, using)
        for name, (labels, guesses) in zip(evidence, told, strict=True)
    }


def classify_text(
    texts: Sequence[str],
    tiers: Sequence[object] | None = None,
    *,
    models: Models = NONE,
    rules: CompiledRules | None = None,
) -> list[list[Span]]:
    """Where in each text something is, in order and without overlap; offsets are code points.

    Half surrogates are no characters and are read as U+FFFD. Raises InvalidInput for an unknown tier.
    """
    chosen, using = wanted(tiers), rules or default_rules()
    clean = [_whole_characters(text) for text in texts]
    found = [find_spans(text, using) if "rules" in chosen else [] for text in clean]
    if "language" in chosen and models.entities is not None:
        known = load_taxonomy().value.classes
        for place, spans in enumerate(models.entities.find(clean)):
            told = [span for span in spans if span.data_class in known]
            found[place] = both_tiers(found[place], told)
    return found


def evidence_of(
    columns: Mapping[str, Sequence[object]], rules: CompiledRules, models: Models = NONE
) -> dict[str, ColumnEvidence]:
    """What the scan kernels find in values given as Python objects, as they would in a source."""
    together: dict[tuple[int, int], list[str]] = defaultdict(list)
    seen: dict[tuple[int, str], int] = defaultdict(int)
    for name, values in columns.items():
        # A batch has columns of one length, and tells them apart by name.
        written = _whole_characters(str(name))
        together[len(values), seen[len(values), written]].append(name)
        seen[len(values), written] += 1
    found: dict[str, ColumnEvidence] = {}
    for names in together.values():
        titles = [_whole_characters(str(name)) for name in names]
        batch = pa.RecordBatch.from_arrays([_array(columns[name]) for name in names], names=titles)
        found |= zip(names, evidence_of_batches([batch], rules, models).values(), strict=True)
    return {name: found[name] for name in columns}


def evidence_of_batches(
    batches: Iterable[pa.RecordBatch], rules: CompiledRules, models: Models = NONE
) -> dict[str, ColumnEvidence]:
    """What the scan kernels find in the rows of a file; nothing if there are none. Samples of prose are read by the
    model of entities too, if there is one."""
    partition = Partition(asset="values", number=0, kind="values", spec={}, columns=(), fingerprint="")
    entities = models.entities
    reader = TextReader(rules, None if entities is None else lambda: entities)
    report = scan_batches(iter(batches), partition, rules, _SALT, reader=reader)
    return {column.column: column for column in fold([report], 1, 0).columns}


def _with_texts(
    column: ColumnEvidence, joined: Sequence[Joined], tiers: Sequence[Tier], rules: CompiledRules
) -> tuple[Ranked, ...]:
    """What is said of the column itself, and then what its texts hold."""
    known = [_ranked(one) for one in joined]
    said = [(one.data_class, one.confidence, one.whole_column) for one in known]
    told = occurrences(column, said, load_taxonomy().value, rules)
    inside = [_inside(one, rules) for one in told if one.found.tier in tiers]
    again = {one.data_class for one in inside}
    return (*(one for one in known if one.data_class not in again), *sorted(inside, key=lambda one: -one.confidence))


def _inside(one: Occurrence, rules: CompiledRules) -> Ranked:
    found = one.found
    return Ranked(
        data_class=found.data_class, confidence=one.confidence, interval=(found.low, found.high),
        prevalence=found.prevalence, tier=found.tier, reasons=one.reasons, whole_column=False,
        state="automatic" if one.confidence >= rules.spec.automatic_at else "review",
    )  # fmt: skip


def _ranked(one: Joined) -> Ranked:
    label = one.label
    return Ranked(
        data_class=one.data_class,
        confidence=one.confidence,
        interval=clopper_pearson(label.matched, label.scanned) if label else (0.0, 1.0),
        prevalence=label.prevalence if label else None,
        tier=one.tier,
        reasons=one.reasons,
        whole_column=label.whole_column if label else True,
        state=one.state,
    )


def _array(values: Sequence[Any]) -> pa.Array:
    """Values of one type as that type, whole numbers with missing ones too; of several types as text."""
    if all(value is None or type(value) is str for value in values):
        return pa.array([None if value is None else _whole_characters(value) for value in values], pa.large_string())
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError):
        return pa.array([None if value is None else _whole_characters(str(value)) for value in values])


def _whole_characters(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.translate(_HALF)
    return text
