"""What samples of texts say together: they merge to the sample of all partitions, and fold to figures with intervals.

A partition's sample are its distinct texts with the smallest keyed hashes. The union of such samples, cut at the
smallest bound, is the same kind of sample of all texts, so that merging is associative and commutative, a text that
several partitions hold counts once, and what is left is drawn at random from all distinct texts.
"""

from collections.abc import Sequence
from typing import Final

from cluster.kernels.intervals import clopper_pearson, clustered_interval
from cluster.kernels.report import FreeText, PartitionReport, TextEvidence, TextFindings, TextSample

KEPT: Final = 256


def merge_texts(a: FreeText | None, b: FreeText | None) -> FreeText | None:
    """What both parts of a column hold. Of two readers the newer one's word counts, of two models one's."""
    if a is None or b is None:
        return a or b
    if a.reader != b.reader:
        return max(a, b, key=lambda texts: int(texts.reader))
    told = [texts for texts in (a, b) if texts.language is not None]
    model = max((texts.model or "" for texts in told), default=None)
    some = [texts.language for texts in told if (texts.model or "") == model and texts.language is not None]
    return FreeText(
        reader=a.reader,
        rules=_merged(a.rules, b.rules),
        language=_merged(*some) if len(some) == 2 else some[0] if some else None,
        model=model,
        skipped=max((texts.skipped for texts in (a, b) if texts.skipped), default=None),
    )


def _merged(a: TextSample, b: TextSample) -> TextSample:
    bounds = [bound for bound in (a.bound, b.bound) if bound is not None]
    bound = min(bounds, default=None)
    texts = dict(sorted((*a.found, *b.found)))  # of a text that two versions of a model judged, one's word
    kept = [key for key in texts if bound is None or key <= bound]
    if len(kept) > KEPT:
        kept = kept[:KEPT]
        bound = kept[-1]
    return TextSample(found=tuple((key, texts[key]) for key in kept), bound=bound, read=a.read + b.read)


Parts = Sequence[dict[str, FreeText]]
"""Of each partition that was read, the texts of its columns by name."""


def part_of(report: PartitionReport) -> dict[str, FreeText]:
    """What the report of a partition adds."""
    return {column.name: column.texts for column in report.columns if column.texts is not None}


def findings(texts: FreeText | None, column: str, parts: Parts, total: int) -> TextFindings | None:
    """The figures of a column. `parts` are those of a sample of `total` partitions; none of a census."""
    if texts is None:
        return None
    samples = {"rules": texts.rules} | ({"language": texts.language} if texts.language else {})
    classes = []
    for name in sorted({name for sample in samples.values() for _, found in sample.found for name in found.split()}):
        tier = "language" if texts.language and _adds(name, texts.rules, texts.language) else "rules"
        mine = [getattr(part[column], tier) for part in parts if column in part]
        classes.append(_evidence(name, tier, samples[tier], [sample for sample in mine if sample is not None], total))
    return TextFindings(
        rules=texts.rules.read, language=texts.language.read if texts.language else 0, model=texts.model,
        skipped=texts.skipped, classes=tuple(classes),
    )  # fmt: skip


def _adds(name: str, rules: TextSample, language: TextSample) -> bool:
    """Whether tier 3 has found the class where tier 1 had not."""
    known = dict(rules.found)
    seen = [(key, found) for key, found in language.found if name in found.split()]
    return any(name not in known.get(key, "").split() for key, found in seen)


def _evidence(name: str, tier: str, sample: TextSample, parts: Sequence[TextSample], total: int) -> TextEvidence:
    matched, read = _hits(name, sample), len(sample.found)
    share = matched / read
    low, high = clopper_pearson(matched, read)
    if parts:
        counts = [(len(part.found), _hits(name, part)) for part in parts]
        least, most = clustered_interval(counts, total)
        low, high = min(low, least), max(high, most)
    elif sample.bound is None:
        low = high = share
    return TextEvidence(
        data_class=name, tier="language" if tier == "language" else "rules", matched=matched, read=read,
        prevalence=share, low=low, high=high,
    )  # fmt: skip


def _hits(name: str, sample: TextSample) -> int:
    return sum(name in found.split() for _, found in sample.found)
