"""What questions about one picture have in common is read once: its keys and values are kept, and the rest goes after.

Of a causal model these are the same whatever follows. So the pictures and the beginning of the prompt go through the
model once, alone; copies of what it remembers of them stand before each question's own tokens. Shorter ones are filled
up between the two, where nothing looks at it: all rows then end with the token after which the answer comes.
"""

import copy
import inspect
from collections.abc import Sequence
from typing import Any

from provision_dagster.filters.judge_inputs import Shared
from provision_dagster.scene_graphs.annotators.hub import torch_module


class Prefix:
    """The beginning of some prompts, read by a model.

    Parameters
    ----------
    network
        Of transformers, for generation.
    shared
        The prompts.
    pad
        Token to fill up with.
    """

    def __init__(self, network: Any, shared: Shared, *, pad: int) -> None:
        self._network, self._shared, self._pad = network, shared, pad
        inputs = {name: _cut(value, shared) for name, value in shared.first.items()}
        options: dict[str, Any] = {"use_cache": True}
        if "logits_to_keep" in inspect.signature(network.forward).parameters:
            options["logits_to_keep"] = 1  # the logits of all tokens would only fill memory
        self._cache = network(**inputs, **options).past_key_values

    def logits(self, rows: Sequence[Sequence[int]]) -> Any:
        """Logits of the token after each row, shape (rows, vocabulary)."""
        torch = torch_module()
        length = self._shared.length
        longest = max(map(len, rows))
        gaps = [longest - len(row) for row in rows]
        tokens = [[*row[:length], *[self._pad] * gap, *row[length:]] for row, gap in zip(rows, gaps, strict=True)]
        seen = [[*[1] * length, *[0] * gap, *[1] * (longest - length - gap)] for gap in gaps]
        cache = copy.deepcopy(self._cache)
        if len(rows) > 1:
            cache.batch_repeat_interleave(len(rows))
        device = self._network.device
        return first_logits(
            self._network,
            input_ids=torch.tensor(tokens, device=device),
            attention_mask=torch.tensor(seen, device=device),
            past_key_values=cache,
        )


def _cut(value: Any, shared: Shared) -> Any:
    """Keep the beginning of what has an item per token; leave pictures as they are."""
    whole = (1, len(shared.rows[0]))
    return value[:, : shared.length] if getattr(value, "shape", ())[:2] == whole else value


def first_logits(network: Any, **inputs: Any) -> Any:
    """Logits of the first token of each answer, as the model gives them, shape (rows, vocabulary).

    `generate` knows for every architecture which position each token has, also in batches that are filled up.
    """
    made = network.generate(**inputs, max_new_tokens=1, output_logits=True, return_dict_in_generate=True)
    return made.logits[0]
