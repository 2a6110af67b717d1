"""Fine-tuning of the sentence encoder to find persons, places and organisations in texts (extra `ml-train`).

The encoder's word embeddings stay as they are; an embedding of word shapes is added to them, and a linear layer gives
each word one of the B/I labels. Loss is counted on the first piece of each word. Arithmetic is bfloat16 where the CPU
has it natively, else float32.

One thread and deterministic algorithms: the same seed, texts, versions of packages and arithmetic give the same
weights, bit for bit. Sums of bfloat16 and float32 differ, and so do sums on CPUs for which torch has other kernels.
"""

import hashlib
import itertools
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cluster.ml.encoder import TOKENIZER, by_length
from cluster.ml.entity_examples import Example, Maker
from cluster.ml.entity_pools import Pools
from cluster.ml.entity_tokens import LABELS, SHAPES, Tokens, labelled, special_ids, tokens_of

LONGEST = 254  # pieces of a training text; a longer one is cut
TOGETHER = 1600  # tokens of a batch
POOL = 1024  # texts sorted by length together
RATE, HEAD_RATE, WARM = 2e-4, 1e-3, 0.04
IGNORED = -100


def network(source: Path) -> Any:
    """The encoder of a Hugging Face folder with shapes and the classifying layer: (ids, mask, shapes) to logits."""
    import torch
    from transformers import AutoModel

    class Entities(torch.nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
        def __init__(self) -> None:
            super().__init__()
            self.encoder = AutoModel.from_pretrained(source, attn_implementation="eager", add_pooling_layer=False)
            self.shapes = torch.nn.Embedding(SHAPES, self.encoder.config.hidden_size)
            self.classify = torch.nn.Linear(self.encoder.config.hidden_size, len(LABELS))
            torch.nn.init.normal_(self.shapes.weight, std=0.01)

        def forward(self, input_ids: Any, attention_mask: Any, shapes: Any) -> Any:
            words = self.encoder.get_input_embeddings()(input_ids) + self.shapes(shapes)
            return self.classify(self.encoder(inputs_embeds=words, attention_mask=attention_mask).last_hidden_state)

    return Entities()


def train(source: Path, texts: int, seed: int, say: Callable[[str], None] = print) -> tuple[Any, str]:
    """A network trained by one pass over `texts` generated examples, and the SHA-256 of these examples in order.

    The same seed, templates and versions of Faker and phonenumbers give the same examples.
    """
    import torch
    from tokenizers import Tokenizer

    repeatable(seed)
    tokenizer = Tokenizer.from_file(str(source / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    net = network(source)
    optimizer, schedule = _optimizer(net, texts)
    natively = arithmetic() == "bfloat16"
    seen, total, steps, began = 0, 0.0, 0, time.process_time()
    net.train()
    data = hashlib.sha256()
    for batch, count in batches(tokenizer, Maker(Pools(seed), seed, "train"), texts, data.update):
        ids, mask, shapes, labels = (torch.from_numpy(array) for array in batch)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=natively):
            logits = net(ids, mask, shapes)
        loss = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        schedule(optimizer, seen / texts)
        optimizer.step()
        optimizer.zero_grad()
        seen, total, steps = seen + count, total + loss.item(), steps + 1
        if steps % 100 == 0:
            say(f"{seen} of {texts} texts, loss {total / 100:.4f}, {time.process_time() - began:.0f} CPU s")
            total = 0.0
    return net.eval(), data.hexdigest()


def repeatable(seed: int) -> None:
    """Makes of what this process trains a function of the seed."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(1)  # sums of several threads come in any order
    torch.use_deterministic_algorithms(True)


def arithmetic() -> str:
    """What this CPU trains in: `bfloat16` or `float32`."""
    import torch

    natively = torch.backends.cpu.get_cpu_capability() == "AVX512" and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return "bfloat16" if natively else "float32"


def _optimizer(net: Any, texts: int) -> tuple[Any, Callable[[Any, float], None]]:
    import torch

    net.encoder.get_input_embeddings().weight.requires_grad = False
    body = [weight for weight in net.encoder.parameters() if weight.requires_grad]
    head = [*net.shapes.parameters(), *net.classify.parameters()]
    optimizer = torch.optim.AdamW([{"params": body, "peak": RATE}, {"params": head, "peak": HEAD_RATE}], lr=RATE)

    def schedule(optimizer: Any, done: float) -> None:
        factor = min(done / WARM, 1.0) * (0.5 + 0.5 * math.cos(math.pi * min(done, 1.0)))
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * max(factor, 1e-3)

    return optimizer, schedule


def batches(
    tokenizer: Any, maker: Maker, texts: int, digest: Callable[[bytes], None]
) -> Iterator[tuple[tuple[Any, ...], int]]:
    """Batches of like length as arrays (ids, mask, shapes, labels), with the number of texts in each."""
    examples = itertools.islice(maker, texts)
    while pool := list(itertools.islice(examples, POOL)):
        digest(repr([(example.text, example.spans) for example in pool]).encode())
        encodings = tokenizer.encode_batch([example.text for example in pool], add_special_tokens=False)
        made = [(tokens_of(example.text, encoding), example) for example, encoding in zip(pool, encodings, strict=True)]
        groups = by_length([min(len(tokens.ids), LONGEST) + 2 for tokens, _ in made], TOGETHER)
        maker.rng.shuffle(groups)
        for group in groups:
            yield _arrays([made[position] for position in group], special_ids(tokenizer)), len(group)


def _arrays(made: list[tuple[Tokens, Example]], special: tuple[int, int]) -> tuple[Any, ...]:
    width = max(min(len(tokens.ids), LONGEST) for tokens, _ in made) + 2
    ids, mask, shapes = (np.zeros((len(made), width), np.int64) for _ in range(3))
    labels = np.full((len(made), width), IGNORED, np.int64)
    for row, (tokens, example) in enumerate(made):
        count = min(len(tokens.ids), LONGEST)
        ids[row, : count + 2] = [special[0], *tokens.ids[:count], special[1]]
        mask[row, : count + 2] = 1
        shapes[row, 1 : count + 1] = tokens.shapes[:count]
        for piece, label in zip(tokens.first, labelled(tokens.words, example.spans), strict=True):
            if piece < count:
                labels[row, piece + 1] = label
    return ids, mask, shapes, labels
