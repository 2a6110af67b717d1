"""From torch weights to the int8 ONNX files that serve: needs torch, transformers and onnx (extra `ml-train`).

Weights are quantised per channel, activations at run time (onnxruntime's dynamic quantisation); the same weights and
versions give the same bytes.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from cluster.errors import ModelUnusable
from cluster.ml.encoder import MODEL, TOKENIZER
from cluster.ml.packaged import Manifest, digest_of, write_manifest

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
ORIGIN = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2"
OPSET = 17
LONGEST = 256  # tokens, as the model was trained
NOTICE = f"""all-MiniLM-L6-v2, Copyright the sentence-transformers authors, {ORIGIN}
Licensed under the Apache License, Version 2.0: http://www.apache.org/licenses/LICENSE-2.0
Changed by the Sextant project: converted to ONNX and quantised to 8 bit integers{{change}}.
"""
CARD = """# Sentence encoder

all-MiniLM-L6-v2 (6 layers of 384, 22.7 M parameters), Apache-2.0, exported to ONNX and quantised to int8 per channel by
`python -m serve.jobs.export_embedding`.

- **Use:** nearness in meaning of names of columns and descriptions of classes. Mean of the last layer over the tokens
  of the mask, unit length, 384 dimensions, at most 256 tokens.
- **Not for:** values of cells, and not as proof: the tier it feeds proposes, and rules and people decide.
- **Languages:** trained on English. Other languages work as far as their words look like English ones.
- **Checked by:** `tests/unit/test_ml_embedding.py`.
"""


def export_embedding(source: Path, out: Path, sha256: str = WEIGHTS_SHA256) -> Manifest:
    """The encoder of `source` as a verified folder `out`. Raises ModelUnusable if the weights are not those meant."""
    if digest_of(source / "model.safetensors") != sha256:
        raise ModelUnusable("The weights are not those of the shipped encoder.", "Give --sha256 to export others.")
    import torch
    from transformers import AutoModel

    encoder = AutoModel.from_pretrained(source, attn_implementation="eager").eval()

    class Pooled(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            states = self.encoder(input_ids, attention_mask, token_type_ids).last_hidden_state
            weights = attention_mask.unsqueeze(-1).to(states.dtype)
            mean = (states * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=1)

    out.mkdir(parents=True, exist_ok=True)
    to_int8(Pooled(), ["input_ids", "attention_mask", "token_type_ids"], "embedding", {0: "texts"}, out / MODEL)
    slim_tokenizer(source, out)
    (out / "card.md").write_text(CARD, "utf-8")
    (out / "NOTICE").write_text(NOTICE.format(change=""), "utf-8")
    made = {"weights_sha256": sha256, "torch": torch.__version__.split("+")[0], "opset": OPSET, "dimensions": 384}
    return write_manifest(out, "all-MiniLM-L6-v2", "1", "Apache-2.0", ORIGIN, **made)


def to_int8(module: Any, inputs: list[str], output: str, axes: dict[int, str], target: Path) -> None:
    """Traces the module over [texts, tokens] inputs and writes it quantised."""
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic

    example = tuple(torch.ones((2, 9), dtype=torch.long) for _ in inputs)
    dynamic = {name: {0: "texts", 1: "tokens"} for name in inputs} | {output: axes}
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "whole.onnx"
        torch.onnx.export(
            module.eval(),
            example,
            str(whole),
            input_names=inputs,
            output_names=[output],
            dynamic_axes=dynamic,
            opset_version=OPSET,
            dynamo=False,
        )
        quantize_dynamic(str(whole), str(target), per_channel=True, weight_type=QuantType.QInt8)


def slim_tokenizer(source: Path, out: Path) -> None:
    """Copies `tokenizer.json` without padding and truncation, which belong to the caller; says what made it."""
    told: dict[str, Any] = json.loads((source / TOKENIZER).read_text("utf-8"))
    told["padding"] = told["truncation"] = None
    (out / TOKENIZER).write_text(json.dumps(told, ensure_ascii=False, separators=(",", ":")), "utf-8")
    if (source / "config.json").exists():
        shutil.copyfile(source / "config.json", out / "config.json")
