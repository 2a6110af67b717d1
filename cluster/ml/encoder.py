"""One transformer as ONNX with its tokenizer: texts in, arrays out, without torch.

The tokenizer is the `tokenizers` library, which transformers itself calls for its fast tokenizers; importing
transformers for it would cost seconds and, where torch is installed, bring torch into a serving process.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cluster.errors import ModelUnusable
from cluster.ml.packaged import Manifest, verified

if TYPE_CHECKING:
    from tokenizers import Encoding

MODEL, TOKENIZER = "model.int8.onnx", "tokenizer.json"
# The most tokens of a batch. The int8 scale of activations is taken over a whole batch: what stands beside a text
# would change its answer, and labels would come and go between runs. Alone costs at most a third of the speed.
BATCH_TOKENS = 1


class Encoder:
    """A verified model. Threads may share it; one call uses `OMP_NUM_THREADS` threads, by default one."""

    def __init__(self, folder: Path, needed: Sequence[str] = ()) -> None:
        """Raises ModelUnusable if a file is missing or corrupt, or the packages of the extra `ml` are not installed."""
        self.manifest: Manifest = verified(folder, {MODEL, TOKENIZER, *needed})
        self.session, self.tokenizer = _opened(folder)
        self.inputs = {given.name for given in self.session.get_inputs()}

    def run(self, feeds: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
        """The first output of the model; inputs that the model does not have are left out."""
        given = {name: array for name, array in feeds.items() if name in self.inputs}
        output: NDArray[np.float32] = self.session.run(None, given)[0]
        return output


def padded(encodings: Sequence["Encoding"]) -> dict[str, NDArray[np.int64]]:
    """Arrays [n, longest] of ids, mask and types of encodings, filled up with zeros."""
    longest = max(len(encoding.ids) for encoding in encodings)
    arrays = {
        name: np.zeros((len(encodings), longest), np.int64)
        for name in ("input_ids", "attention_mask", "token_type_ids")
    }
    for row, encoding in enumerate(encodings):
        width = len(encoding.ids)
        arrays["input_ids"][row, :width] = encoding.ids
        arrays["attention_mask"][row, :width] = 1
    return arrays


def by_length(lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """Positions in batches of like length, longest first; each has at most `tokens` tokens when padded, or one text."""
    order = sorted(range(len(lengths)), key=lambda position: (-lengths[position], position))
    batches: list[list[int]] = []
    for position in order:
        full = batches and (len(batches[-1]) + 1) * max(lengths[batches[-1][0]], 1) > tokens
        if not batches or full:
            batches.append([])
        batches[-1].append(position)
    return batches


def _opened(folder: Path) -> tuple[Any, Any]:
    try:
        import onnxruntime
        from tokenizers import Tokenizer
    except ImportError:
        raise ModelUnusable("The packages of tier 3 are not installed.", "pip install 'sextant[ml]'.") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 1)
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False  # an arena keeps the memory of the longest batch for good
    providers = [name for name in ("CUDAExecutionProvider",) if name in onnxruntime.get_available_providers()]
    try:
        session = onnxruntime.InferenceSession(
            str(folder / MODEL), options, providers=[*providers, "CPUExecutionProvider"]
        )
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:
        # Both libraries raise their own untyped errors for a file that they cannot read.
        raise ModelUnusable(
            f"The model {folder.name} cannot be opened: {type(error).__name__}.", "Install the package again."
        ) from None
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return session, tokenizer
