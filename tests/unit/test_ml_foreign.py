"""Models of others in place of the shipped ones; needs torch, which only the extras `gpu` and `ml-train` bring."""

from pathlib import Path

import pytest

from cluster import settings as instance
from cluster.errors import ModelUnusable
from cluster.ml.embedding import Embedder
from cluster.ml.entities import load_entities


@pytest.fixture(autouse=True)
def fresh_settings(monkeypatch: pytest.MonkeyPatch) -> object:
    instance.settings.cache_clear()
    yield None
    monkeypatch.undo()
    instance.settings.cache_clear()


def test_a_model_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("SEXTANT_EMBEDDING_MODEL", str(tmp_path / "none"))
    monkeypatch.setenv("SEXTANT_ENTITIES_MODEL", str(tmp_path / "none"))
    with pytest.raises(ModelUnusable):
        Embedder.load()
    with pytest.raises(ModelUnusable):
        load_entities()


def test_a_folder_of_hugging_face_replaces_the_shipped_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from transformers import BertConfig, BertForTokenClassification, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ann", "lee", "in", "rome"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    tokenizer = BertTokenizerFast(str(tmp_path / "vocab.txt"))
    config = BertConfig(vocab_size=len(words), hidden_size=32, num_hidden_layers=1, num_attention_heads=2)
    config.id2label = {0: "B-PER", 1: "I-PER"}
    config.label2id = {"B-PER": 0, "I-PER": 1}
    for name, model in (("encoder", BertModel(config)), ("tagger", BertForTokenClassification(config))):
        model.save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    monkeypatch.setenv("SEXTANT_EMBEDDING_MODEL", str(tmp_path / "encoder"))
    monkeypatch.setenv("SEXTANT_ENTITIES_MODEL", str(tmp_path / "tagger"))
    embedder = Embedder.load()
    assert embedder.embed(["ann lee", "rome"]).shape == (2, 32)
    assert embedder.embed([]).shape == (0, 32)
    (spans,) = load_entities().find(["Ann Lee in Rome"])
    assert {span.data_class for span in spans} <= {"person.full_name", "person.given_name"}
    assert spans
