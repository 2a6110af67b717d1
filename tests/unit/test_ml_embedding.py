"""The shipped encoder: whole or refused, near what means the same, and without torch."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cluster.errors import ModelUnusable
from cluster.ml.embedding import Embedder
from cluster.ml.encoder import by_length
from cluster.ml.packaged import MANIFEST, shipped, verified


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return Embedder.load()


@pytest.mark.parametrize(
    ("name", "paraphrase", "other"),
    [
        ("customer email address", "client e-mail contact", "revenue"),
        ("date of birth", "day a person was born", "delivery date"),
        ("salary", "annual income of an employee", "temperature"),
        ("medical diagnosis", "disease of a patient", "file name"),
    ],
)
def test_what_means_the_same_is_nearer(embedder: Embedder, name: str, paraphrase: str, other: str) -> None:
    vectors = embedder.embed([name, paraphrase, other])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1


def test_vectors_have_length_one_and_do_not_depend_on_their_company(embedder: Embedder) -> None:
    texts = ["a", "phone " * 40, "", "city", "phone " * 400]
    fresh = Embedder.load()
    together = embedder.embed(texts)
    alone = np.vstack([fresh.embed([text]) for text in reversed(texts)])[::-1]
    assert together.shape == (5, 384)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-4)
    np.testing.assert_array_equal(together, alone)
    assert embedder.embed([]).shape == (0, 384)


def test_a_text_is_encoded_once() -> None:
    seen: list[str] = []

    def encode(texts: list[str]) -> np.ndarray:
        seen.extend(texts)
        return np.ones((len(texts), 2), np.float32)

    counted = Embedder(encode, "0", 2)
    assert counted.embed(["a", "b", "a"]).shape == (3, 2)
    counted.embed(["b", "c"])
    assert seen == ["a", "b", "c"]


def test_batches_are_of_like_length_and_bounded() -> None:
    batches = by_length([5, 100, 7, 90, 1], 200)
    assert batches == [[1, 3], [2, 0, 4]]
    assert by_length([500], 200) == [[0]]


@pytest.mark.parametrize("kind", ["embedding", "entities"])
def test_every_shipped_file_is_what_its_manifest_says(kind: str) -> None:
    manifest = verified(shipped(kind), ["model.int8.onnx", "tokenizer.json", "card.md", "NOTICE"])
    assert manifest.licence == "Apache-2.0"
    assert "Apache License" in (shipped(kind) / "NOTICE").read_text("utf-8")


@pytest.mark.parametrize("harm", ["flipped", "missing", "no manifest", "not a manifest", "outside"])
def test_a_model_that_is_not_whole_is_refused(tmp_path: Path, harm: str) -> None:
    folder = tmp_path / "embedding"
    shutil.copytree(shipped("embedding"), folder)
    model, manifest = folder / "model.int8.onnx", folder / MANIFEST
    if harm == "flipped":
        content = bytearray(model.read_bytes())
        content[len(content) // 2] ^= 1
        model.write_bytes(content)
    elif harm == "missing":
        model.unlink()
    elif harm == "no manifest":
        manifest.unlink()
    elif harm == "not a manifest":
        manifest.write_text("{}")
    else:
        told = json.loads(manifest.read_text())
        told["files"]["../x"] = "0"
        manifest.write_text(json.dumps(told))
    with pytest.raises(ModelUnusable):
        Embedder.load(folder)


def test_a_file_that_its_manifest_fits_but_is_no_model_is_refused(tmp_path: Path) -> None:
    from cluster.ml.packaged import write_manifest

    folder = tmp_path / "embedding"
    shutil.copytree(shipped("embedding"), folder)
    (folder / "model.int8.onnx").write_bytes(b"no model")
    write_manifest(folder, "x", "1", "Apache-2.0", "here")
    with pytest.raises(ModelUnusable):
        Embedder.load(folder)


def test_serving_imports_neither_torch_nor_transformers() -> None:
    program = (
        "import sys\n"
        "import serve.models.deployments\n"
        "assert 'onnxruntime' not in sys.modules, 'a process that uses no model pays for it'\n"
        "from cluster.ml.embedding import Embedder\nfrom cluster.ml.entities import TextEntities\n"
        "from cluster.ml.meaning import Meaning\n"
        "Meaning(Embedder.load()).match('custEmail')\nTextEntities.load().find(['Ann Lee in Rome'])\n"
        "assert not {'torch', 'transformers'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)
