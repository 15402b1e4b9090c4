"""A judge on this machine: an image-text-to-text model of transformers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from provision_dagster.filters.judge_config import JudgeConfig
from provision_dagster.filters.judge_inputs import Pictures, Writer
from provision_dagster.filters.judge_jobs import Spot, Written, jobs_of, refused_cases, written
from provision_dagster.filters.judge_prefix import Prefix, first_logits
from provision_dagster.filters.judge_questions import Case
from provision_dagster.filters.judge_words import Judged, answer_tokens, judged
from provision_dagster.scene_graphs.annotators.hub import (
    as_floats,
    device_of,
    from_pretrained,
    load_pretrained,
    one_line,
    told,
    torch_module,
    transformers_module,
)
from provision_dagster.scene_graphs.annotators.working import Work, is_out_of_memory, release_memory

TOLERANCE = {"float32": 0.01, "bfloat16": 0.5, "float16": 0.1}
"""How far log(P(Yes) / P(No)) may lie from what it is without a shared prefix, by the numbers of the weights: logits
have so few digits in half precision that the shape of a batch alone moves them by so much."""

Question = tuple[Pictures, str]


class HubJudge:
    """Asks `batch` questions at a time; those about the same pictures share what the model remembers of these."""

    def __init__(self, config: JudgeConfig) -> None:
        self.config = config
        self._batch = config.batch
        self._reuse = config.reuse_prefix
        self._seen = not config.reuse_prefix
        self.prefix = "no question shared one yet" if config.reuse_prefix else "not reused: `reuse_prefix` is false"
        self._network: Any = None

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
            When they are missing, not of such a model, or cannot be asked for Yes or No.
        """
        if self._network is not None:
            return
        library = transformers_module()
        self._device = device_of(self.config)
        network = load_pretrained(library.AutoModelForImageTextToText, self.config, device=self._device)
        processor = from_pretrained(library.AutoProcessor, self.config)
        self._writer = Writer(processor, kind=network.config.model_type, name=self.config.model)
        self._yes, self._no = answer_tokens(self._writer.tokenizer)
        pad = self._writer.tokenizer.pad_token_id
        self._pad = pad if pad is not None else 0
        # nothing of the model's own settings for sampling counts
        network.generation_config = library.GenerationConfig(do_sample=False, pad_token_id=self._pad)
        self._network = network

    def judge(self, cases: Sequence[Case], *, work: Work) -> list[list[Judged]]:
        """Judge every prompt of every case, in their order."""
        self.load()
        refused = refused_cases(cases, most=self._writer.most)
        found = {
            (n, place): Judged(None, None, reason)
            for n, reason in refused.items()
            for place in range(len(cases[n].prompts))
        }
        work.failed += len(refused)
        jobs = jobs_of(cases, batch=self.config.batch, share=lambda: self._reuse, refused=set(refused))
        for ready in written(jobs, cases, writer=self._writer, longest_side=self.config.longest_side):
            work.failed += len({number for number, _ in ready.refused})
            found |= ready.refused
            found |= self._answered(ready, work)
            work.pictures += len({number for number, _ in ready.asked})
        return [[found[number, place] for place in range(len(case.prompts))] for number, case in enumerate(cases)]

    def _answered(self, ready: Written, work: Work) -> dict[Spot, Judged]:
        """Answer a job; where it fails as a whole, one question after the other."""
        if not ready.asked:
            return {}
        asked = list(ready.asked.values())
        try:
            if ready.failure is not None:
                raise ready.failure
            with work.at_model():
                answers = self._of_prefix(ready) if ready.job.shared and self._reuse else self._of_batch(asked, ready)
        except Exception as error:  # a processor or model may raise anything
            release_memory()
            answers = self._singly(asked, error, work)
        else:
            work.succeeded()
        return dict(zip(ready.asked, answers, strict=True))

    def _singly(self, asked: list[Question], error: Exception, work: Work) -> list[Judged]:
        """Ask one question after the other; those that fail have their reason."""
        answers = []
        for one in asked:
            try:
                if len(asked) > 1:
                    with work.at_model():
                        answers += self._in_batches([one])
                    work.succeeded()
                    continue
            except Exception as own:  # a processor or model may raise anything
                error = own
            reason = f"{type(error).__name__}: {one_line(error)}"
            answers.append(Judged(None, None, reason))
            work.lost(reason, error)
        return answers

    def _of_batch(self, asked: list[Question], ready: Written) -> list[Judged]:
        """Answer questions that share nothing; those of a job were written already."""
        if ready.job.shared or len(asked) > self._batch:
            return self._in_batches(asked)
        return self._in_batches(asked, inputs=ready.inputs)

    def _in_batches(self, asked: Sequence[Question], *, inputs: Any = None) -> list[Judged]:
        """Ask each question whole; where memory runs out, fewer at a time from then on."""
        answers: list[Judged] = []
        while len(answers) < len(asked):
            now = asked[len(answers) : len(answers) + self._batch]
            try:
                answers += self._whole(self._writer.batch(now) if inputs is None else inputs)
            except Exception as error:
                inputs = None
                self._halve(len(now), error)
        return answers

    def _halve(self, batch: int, error: Exception) -> None:
        """Take half as many questions at a time, if memory ran out and there is less than that."""
        if not is_out_of_memory(error) or batch == 1:
            raise error
        release_memory()
        self._batch = batch // 2

    def _whole(self, inputs: Any) -> list[Judged]:
        inputs = inputs.to(self._device, self._network.dtype)
        with torch_module().inference_mode():
            return self._judged(first_logits(self._network, **inputs))

    def _of_prefix(self, ready: Written) -> list[Judged]:
        """Answer questions about the same pictures, which the model reads once."""
        try:
            answers = self._shared(ready)
        except Exception as error:
            if is_out_of_memory(error) or self._seen:
                raise
            self._without(f"{type(error).__name__}: {one_line(error)}")
            return self._in_batches(list(ready.asked.values()))
        return answers if self._seen else self._compared(answers, list(ready.asked.values()))

    def _shared(self, ready: Written) -> list[Judged]:
        torch, rows = torch_module(), ready.inputs.rows
        answers: list[Judged] = []
        ready.inputs.first.to(self._device, self._network.dtype)
        with torch.inference_mode():
            prefix = Prefix(self._network, ready.inputs, pad=self._pad)
            while len(answers) < len(rows):
                now = rows[len(answers) : len(answers) + self._batch]
                try:
                    answers += self._judged(prefix.logits(now))
                except Exception as error:
                    self._halve(len(now), error)
        return answers

    def _compared(self, answers: list[Judged], asked: list[Question]) -> list[Judged]:
        """See with the first questions whether a shared prefix leaves this architecture's answers as they are."""
        whole = self._in_batches(asked)
        apart = float(np.abs(_odds(answers) - _odds(whole)).max())
        allowed = TOLERANCE.get(str(self._network.dtype).removeprefix("torch."), 0.5)
        if apart <= allowed:
            self._seen, self.prefix = True, f"reused (log odds {apart:.2g} apart on the first {len(asked)} questions)"
            return answers
        self._without(f"log odds were {apart:.2g} apart, more than {allowed:g}")
        return whole

    def _without(self, reason: str) -> None:
        self._reuse, self._seen, self.prefix = False, True, f"not reused, the architecture does not allow it: {reason}"

    def _judged(self, logits: Any) -> list[Judged]:
        numbers = logits.float()
        yes, no = (as_floats(numbers[:, tokens]) for tokens in (self._yes, self._no))
        return judged(yes, no, as_floats(numbers.logsumexp(dim=-1)))


def _odds(answers: Sequence[Judged]) -> Any:
    """log(P(Yes) / P(No)); what could not be judged is apart from everything."""
    sure = np.array([np.nan if one.p_yes is None else one.p_yes for one in answers], dtype=np.float64)
    sure = sure.clip(1e-12, 1 - 1e-12)
    return np.nan_to_num(np.log(sure) - np.log1p(-sure), nan=np.finfo(np.float64).max)
