"""A judge behind a server with OpenAI's interface: it lists the likeliest first tokens of each answer."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from provision_dagster.errors import InputError
from provision_dagster.filters.judge_config import EndpointJudgeConfig
from provision_dagster.filters.judge_inputs import opened
from provision_dagster.filters.judge_jobs import refused_cases
from provision_dagster.filters.judge_questions import Case
from provision_dagster.filters.judge_words import Judged, judged_by_list
from provision_dagster.image_sets.decode import PictureError
from provision_dagster.scene_graphs.annotators.endpoint import EndpointClient, data_url
from provision_dagster.scene_graphs.annotators.working import AnnotatorError, Work

LISTED = 20
"""Tokens that a server is asked to list: as many as OpenAI's interface allows."""


class EndpointJudge(EndpointClient[EndpointJudgeConfig]):
    """Sends `max_concurrent` questions at a time, those about one picture one after the other.

    Pictures stand first in every question: servers that keep prefixes, as vLLM does, read them once.
    """

    prefix = "the server's"

    def judge(self, cases: Sequence[Case], *, work: Work) -> list[list[Judged]]:
        """Judge every prompt of every case, in their order."""
        self.load()
        refused = refused_cases(cases, most=None)
        with ThreadPoolExecutor(self.config.max_concurrent, thread_name_prefix="ask") as pool, work.at_model():
            sent = [self._sent(pool, case, shown=number not in refused) for number, case in enumerate(cases)]
            try:
                found = [[self._result(one, work) for one in case] for case in sent]
            except BaseException:  # what would fail for all is not asked for all
                pool.shutdown(wait=True, cancel_futures=True)
                raise
        for number, reason in refused.items():
            found[number] = [Judged(None, None, reason)] * len(cases[number].prompts)
        work.failed += len(refused)
        work.pictures += len(cases) - len(refused)
        return found

    def _sent(self, pool: ThreadPoolExecutor, case: Case, *, shown: bool) -> "list[Future[Judged]]":
        pictures = _Pictures(case, self.config)
        return [pool.submit(self._asked, pictures, prompt) for prompt in case.prompts] if shown else []

    def _asked(self, pictures: "_Pictures", prompt: str) -> Judged:
        """Ask one question; a picture that cannot be opened is a reason."""
        try:
            urls = pictures.urls()
        except PictureError as error:
            return Judged(None, None, f"{error.status}: {error}")
        answer = self.complete(urls, prompt, max_tokens=1, logprobs=True, top_logprobs=LISTED)
        found = judged_by_list(_listed(answer))
        if found.error is not None:
            raise AnnotatorError(found.error)
        return found

    def _result(self, one: "Future[Judged]", work: Work) -> Judged:
        """Wait for an answer; a failure is a reason, unless it is one of many in a row or would be the same for all."""
        try:
            found = one.result()
        except InputError:
            raise
        except AnnotatorError as error:
            work.lost(str(error), error)
            return Judged(None, None, str(error))
        if found.error is None:
            work.succeeded()
        else:
            work.unusable()
        return found


class _Pictures:
    """Pictures of a case as data URLs, made by whoever needs them first."""

    def __init__(self, case: Case, config: EndpointJudgeConfig) -> None:
        self._case, self._config = case, config
        self._urls: list[str] | None = None
        self._lock = threading.Lock()

    def urls(self) -> list[str]:
        with self._lock:
            if self._urls is None:
                pictures = opened(self._case.places, longest_side=self._config.longest_side)
                self._urls = [data_url(picture, encoding=self._config.encoding) for picture in pictures]
            return self._urls


def _listed(answer: Any) -> Mapping[str, float]:
    """Read the likeliest first tokens of an answer, with the logarithms of their probabilities.

    Raises
    ------
    AnnotatorError
        When there are none, or they are not numbers.
    """
    choice = next(iter(getattr(answer, "choices", None) or []), None)
    tokens = getattr(getattr(choice, "logprobs", None), "content", None) or []
    listed = [(one.token, one.logprob) for one in getattr(next(iter(tokens), None), "top_logprobs", None) or []]
    if not listed:
        raise AnnotatorError(f"the server's answer holds no probabilities of tokens (`logprobs`): {str(answer)[:200]}")
    for token, value in listed:
        if not isinstance(token, str) or not isinstance(value, int | float) or not value <= 1e-6:
            raise AnnotatorError(f"the server's answer holds {value!r} as the logarithm of a probability of {token!r}")
    return {token: float(value) for token, value in listed}
