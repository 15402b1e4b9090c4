"""Image-text-to-text models of transformers (LLaVA, Qwen-VL, SmolVLM, ...), asked by their chat template."""

import copy
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators.chat import Choices, Question, Said
from provision_dagster.scene_graphs.annotators.hub import (
    device_of,
    from_pretrained,
    load_pretrained,
    told,
    torch_module,
    transformers_module,
)
from provision_dagster.scene_graphs.annotators.token_trie import TokenTrie
from provision_dagster.scene_graphs.annotators.vlm_configs import AttributesConfig, RelationsConfig
from provision_dagster.scene_graphs.annotators.working import is_out_of_memory, release_memory


class HubChat:
    """Answers `batch` questions at a time, greedily, while the next ones are prepared.

    Parameters
    ----------
    choices
        What may be said; null: anything.
    """

    def __init__(self, config: AttributesConfig | RelationsConfig, *, choices: Choices | None) -> None:
        self.config = config
        self._choices = choices
        self._batch = config.batch
        self._network: Any = None
        self._trie: TokenTrie | None = None

    @property
    def model(self) -> str:
        """Model and revision."""
        self.load()
        return told(self.config, self._network)

    def load(self) -> None:
        """Read the weights.

        Raises
        ------
        InputError
            When they are missing, not of such a model, or have no chat template.
        """
        if self._network is not None:
            return
        library = transformers_module()
        self._device = device_of(self.config)
        network = load_pretrained(library.AutoModelForImageTextToText, self.config, device=self._device)
        self._processor = from_pretrained(library.AutoProcessor, self.config)
        self._tokenizer = _tokenizer(self._processor, name=self.config.model)
        self._greedy(network)
        if self._choices is not None:
            self._trie = TokenTrie(self._tokenizer, self._choices, ends=self._ends)
        self._network = network

    def _greedy(self, network: Any) -> None:
        """Generate what is most likely, whatever the model's own settings for sampling."""
        settings = copy.deepcopy(network.generation_config)
        ends = settings.eos_token_id if settings.eos_token_id is not None else self._tokenizer.eos_token_id
        self._ends = list(ends) if isinstance(ends, Sequence) else [ends]
        settings.update(do_sample=False, num_beams=1, temperature=None, top_p=None, top_k=None, max_length=None)
        settings.update(eos_token_id=self._ends, pad_token_id=self._tokenizer.pad_token_id)
        settings.update(max_new_tokens=self.config.max_new_tokens)
        network.generation_config = settings

    def say(self, questions: list[Question]) -> list[Said]:
        """Answer questions; those with views of like size go together, so that little is filled up."""
        self.load()
        order = sorted(range(len(questions)), key=lambda place: -_area(questions[place]))
        said: dict[int, Said] = {}
        with ThreadPoolExecutor(1, thread_name_prefix="prepare") as ahead:
            now, rest = order[: self._batch], order[self._batch :]
            coming = ahead.submit(self._inputs, [questions[place] for place in now])
            while now:
                inputs = coming.result()
                following, rest = rest[: self._batch], rest[self._batch :]
                coming = ahead.submit(self._inputs, [questions[place] for place in following])
                said |= zip(now, self._answered([questions[place] for place in now], inputs), strict=True)
                now = following
        return [said[place] for place in range(len(questions))]

    def _answered(self, questions: list[Question], inputs: Any) -> list[Said]:
        """Answer a batch; where memory runs out, one half of it after the other, and smaller ones from then on."""
        try:
            return self._generated(inputs)
        except Exception as error:
            if not is_out_of_memory(error) or len(questions) == 1:
                raise
        release_memory()
        self._batch = half = len(questions) // 2
        parts = (questions[:half], questions[half:])
        return [one for part in parts for one in self._answered(part, self._inputs(part))]

    def _inputs(self, questions: list[Question]) -> Any:
        """Write questions as the model wants them, filled up on the left; null for none."""
        if not questions:
            return None
        chats = [
            [{"role": "user", "content": [{"type": "image", "image": q.view}, {"type": "text", "text": q.prompt}]}]
            for q in questions
        ]
        return self._processor.apply_chat_template(
            chats,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        )

    def _generated(self, inputs: Any) -> list[Said]:
        torch = torch_module()
        inputs = inputs.to(self._device, self._network.dtype)
        length = inputs["input_ids"].shape[1]
        only = {} if self._trie is None else {"prefix_allowed_tokens_fn": self._trie.beside(length)}
        with torch.inference_mode():
            tokens = self._network.generate(**inputs, **only)[:, length:].cpu()
        texts = self._tokenizer.batch_decode(tokens, skip_special_tokens=True)
        ended = [any(end in row for end in self._ends) for row in tokens.tolist()]
        return [Said(text.strip(), complete) for text, complete in zip(texts, ended, strict=True)]


def _tokenizer(processor: Any, *, name: str) -> Any:
    """Tokenizer of a model for chat."""
    if not has_chat_template(processor):
        raise InputError(f"model `{name}` has no chat template; use a model that was tuned for chat or instructions")
    return tokenizer_for_batches(processor)


def has_chat_template(processor: Any) -> bool:
    """Whether a processor knows how a chat is written."""
    tokenizer = getattr(processor, "tokenizer", None)
    return tokenizer is not None and (processor.chat_template is not None or tokenizer.chat_template is not None)


def tokenizer_for_batches(processor: Any) -> Any:
    """Fill prompts of a batch up on the left: answers begin where prompts end, so prompts end together."""
    tokenizer = processor.tokenizer
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _area(question: Question) -> int:
    return question.view.width * question.view.height
