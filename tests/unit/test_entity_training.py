"""Training the entity model is a function of its seed: byte for byte, for one arithmetic and one set of packages."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("faker")

from transformers import BertConfig, BertModel

from cluster.ml.packaged import manifest_of, shipped

ROOT = Path(__file__).parents[2]
TEXTS = "96"
pytestmark = pytest.mark.skipif("LONG_TESTS" not in os.environ, reason="some minutes: make nightly")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small encoder of the shipped vocabulary, of random weights: what is trained, not how well."""
    import torch

    torch.manual_seed(3)
    folder = tmp_path_factory.mktemp("encoder")
    tokenizer = (shipped("entities") / "tokenizer.json").read_text("utf-8")
    size = max(json.loads(tokenizer)["model"]["vocab"].values()) + 1
    config = BertConfig(
        vocab_size=size, hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48
    )
    BertModel(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(tokenizer, "utf-8")
    return folder


def trained(source: Path, out: Path, seed: str) -> dict[str, str]:
    """The digests of the weights and of all else that the job writes, from a process of its own."""
    command = [sys.executable, "-c", "from serve.jobs.train_entities import main; import sys; main(sys.argv[1:])"]
    told = ["--texts", TEXTS, "--seed", seed, "--measured", "40", "--out", str(out)]
    subprocess.run([*command, str(source), *told], check=True, capture_output=True, cwd=ROOT)
    return manifest_of(out).files


def test_the_same_seed_makes_the_same_bytes(source: Path, tmp_path: Path) -> None:
    first = trained(source, tmp_path / "a", "1")
    assert trained(source, tmp_path / "b", "1") == first
    assert {"model.int8.onnx", "labels.json", "evaluation.json", "card.md"} <= first.keys()
    made = manifest_of(tmp_path / "a").made
    assert made["arithmetic"] in {"bfloat16", "float32"}
    assert {"torch", "onnxruntime", "faker", "phonenumbers", "data_sha256"} <= made.keys()


def test_another_seed_makes_another_model(source: Path, tmp_path: Path) -> None:
    first, other = trained(source, tmp_path / "a", "1"), trained(source, tmp_path / "b", "2")
    assert first["model.int8.onnx"] != other["model.int8.onnx"]
