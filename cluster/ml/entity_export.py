"""Writes a trained token classifier as the folder that serves, measured on texts of templates it never saw."""

import json
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from cluster.ml.encoder import MODEL
from cluster.ml.entities import LABEL_FILE, TextEntities
from cluster.ml.entity_examples import Example, Maker
from cluster.ml.entity_pools import Pools
from cluster.ml.entity_tokens import KINDS, LABELS
from cluster.ml.exporting import NOTICE, ORIGIN, WEIGHTS_SHA256, slim_tokenizer, to_int8
from cluster.ml.packaged import Manifest, write_manifest

MEASURED = 3000
CHANGE = ", and fine-tuned to find persons, places and organisations"
CARD = """# Token classifier of free text

all-MiniLM-L6-v2 (6 layers of 384, uncased word pieces) with an embedding of word shapes and a linear layer over B/I
labels, fine-tuned on {texts} generated texts (seed {seed}) by `python -m serve.jobs.train_entities`, exported to ONNX
and quantised to int8 per channel. Apache-2.0.

- **Finds:** full, given and family names; street with house number; town; postal code; county; organisation.
- **Training data:** templates of `configs/training/entities` (support, chat, forum, medical, personnel, records; mostly
  English, besides German, French, Spanish, Italian, Dutch, Portuguese), values of Faker and of phonenumbers' geocoding
  data, made-up names, look-alikes (products, months, words that are names, codes). No published test or benchmark set,
  no data of a customer.
- **Not for:** scripts other than Latin; proof that somebody exists; decisions about a person.
- **Weak:** a family name alone that is also a word; streets without a number; names of more than four words.

Strict spans (start, end and label all right) on {measured} texts made of held-out templates, int8:

| label | precision | recall | F1 | spans |
| --- | --- | --- | --- | --- |
{rows}

The texts are generated, and so easier than those that people write: these figures compare versions of the model, and
promise nothing.
"""


def export_entities(net: Any, source: Path, out: Path, *, texts: int, seed: int, data: str) -> Manifest:
    """Exports, measures and describes the network; the folder is complete and verified afterwards."""
    out.mkdir(parents=True, exist_ok=True)
    to_int8(net, ["input_ids", "attention_mask", "shapes"], "logits", {0: "texts", 1: "tokens"}, out / MODEL)
    slim_tokenizer(source, out)
    told = {"labels": list(LABELS), "thresholds": dict.fromkeys(KINDS, 0.5)}
    (out / LABEL_FILE).write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    (out / "NOTICE").write_text(NOTICE.format(change=CHANGE), "utf-8")
    (out / "card.md").write_text("", "utf-8")
    made: dict[str, str | float] = {"weights_sha256": WEIGHTS_SHA256, "texts": texts, "seed": seed, "data_sha256": data}
    write_manifest(out, "sextant-text-entities", "1", "Apache-2.0", ORIGIN, **made)
    examples = list(islice(Maker(Pools(seed + 1), seed + 1, "held_out"), MEASURED))
    rows = "\n".join(measured(TextEntities.load(out), examples))
    (out / "card.md").write_text(CARD.format(texts=texts, seed=seed, measured=MEASURED, rows=rows), "utf-8")
    return write_manifest(out, "sextant-text-entities", "1", "Apache-2.0", ORIGIN, **made)


def measured(model: TextEntities, examples: Iterable[Example]) -> list[str]:
    """A row of Markdown for each label and one for all: precision, recall and F1 of strict spans."""
    examples = list(examples)
    right, told, wanted = Counter[str](), Counter[str](), Counter[str]()
    for example, found in zip(examples, model.find_labels([each.text for each in examples]), strict=True):
        truth = set(example.spans)
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
