"""Vision-language models behind a server with OpenAI's interface for chat completions, such as vLLM."""

import base64
import hashlib
import io
import os
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any, Generic, TypeVar

from PIL import Image

from provision_dagster.errors import InputError, MissingExtraError, ProvisionError
from provision_dagster.scene_graphs.annotators.chat import NONE, Choices, Question, Said
from provision_dagster.scene_graphs.annotators.vlm_configs import (
    AttributesEndpointConfig,
    EndpointConfig,
    RelationsEndpointConfig,
)
from provision_dagster.scene_graphs.annotators.working import AnnotatorError

REMEMBERED = 4096
"""Answers that are kept: when one question of a batch fails, the others are not sent again."""

_STRANGE = "does not answer as OpenAI's interface does"


Config = TypeVar("Config", bound=EndpointConfig)


class EndpointClient(Generic[Config]):
    """A model that a server offers: found, asked, and its errors explained."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._there = False

    @property
    def model(self) -> str:
        """Name under which the server offers the model; a server does not tell the revision."""
        return f"{self.config.model}@endpoint"

    def load(self) -> None:
        """See whether the server is there and offers the model.

        Raises
        ------
        InputError
            When it is not, does not, or wants another key.
        """
        if self._there:
            return
        try:
            offered = [one.id for one in self._client.models.list()]
        except self._openai.APIError as error:
            raise self._explained(error) from error
        except (ValueError, TypeError, AttributeError) as error:  # a web page, or JSON of another kind
            raise InputError(f"server `{self.config.base_url}` {_STRANGE}; check `base_url`") from error
        if self.config.model not in offered:
            names = ", ".join(f"`{name}`" for name in offered) or "none"
            raise InputError(
                f"model `{self.config.model}` is not offered by `{self.config.base_url}`; offered: {names}"
            )
        self._there = True

    @cached_property
    def _openai(self) -> ModuleType:
        try:
            return import_module("openai")
        except ImportError as error:
            raise MissingExtraError("endpoint", needs="openai") from error

    @cached_property
    def _client(self) -> Any:
        """The client waits longer before each further try, or as long as the server says."""
        key, name = "none", self.config.api_key_env
        if name is not None:
            key = os.environ.get(name, "")
            if not key:
                raise InputError(f"`api_key_env` is `{name}`, but there is no such environment variable; set it")
        return self._openai.OpenAI(
            base_url=self.config.base_url, api_key=key, timeout=self.config.timeout, max_retries=self.config.retries
        )

    def complete(self, urls: list[str], prompt: str, **options: Any) -> Any:
        """Send pictures, as data URLs, and what is asked about them; returns the server's answer.

        Raises
        ------
        InputError
            When the server refuses what would be the same in every question.
        AnnotatorError
            When it fails, after all tries.
        """
        content: list[dict[str, Any]] = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        try:
            return self._client.chat.completions.create(
                model=self.config.model,
                messages=[{"role": "user", "content": [*content, {"type": "text", "text": prompt}]}],
                temperature=0,
                seed=self.config.seed,
                **options,
            )
        except self._openai.APIError as error:
            raise self._explained(error) from error
        except ValueError as error:  # no JSON
            raise AnnotatorError(f"server `{self.config.base_url}` {_STRANGE}") from error

    def _explained(self, error: Any) -> ProvisionError:
        """Say what happened and what to do; `InputError` for what would fail for every question."""
        where, library = f"server `{self.config.base_url}`", self._openai
        reason = " ".join(str(error).split())[:200]
        if isinstance(error, library.APITimeoutError):
            return AnnotatorError(
                f"{where} did not answer within {self.config.timeout:g} s; raise `timeout` or lower `max_concurrent`"
            )
        if isinstance(error, library.APIConnectionError):
            return InputError(f"{where} cannot be reached: {_cause(error)}; check `base_url` and that it runs")
        if isinstance(error, library.AuthenticationError | library.PermissionDeniedError):
            return InputError(
                f"{where} refuses the key of `api_key_env` (`{self.config.api_key_env}`), status {error.status_code}"
            )
        if isinstance(error, library.NotFoundError):
            return InputError(
                f"{where} does not know the address or model `{self.config.model}`: {reason}; "
                "`base_url` mostly ends with /v1, and `model` is the name that the server offers"
            )
        return AnnotatorError(f"{where} failed: {reason}")


class EndpointChat(EndpointClient[AttributesEndpointConfig | RelationsEndpointConfig]):
    """Sends `max_concurrent` questions at a time.

    Parameters
    ----------
    choices
        What may be said; null: anything.
    """

    def __init__(self, config: AttributesEndpointConfig | RelationsEndpointConfig, *, choices: Choices | None) -> None:
        super().__init__(config)
        self._format = None if choices is None else _json_schema(choices)
        self._remembered: dict[str, Said] = {}

    def say(self, questions: list[Question]) -> list[Said]:
        """Answer questions; what the others say is kept where one fails."""
        self.load()
        with ThreadPoolExecutor(self.config.max_concurrent, thread_name_prefix="ask") as pool:
            sent = [pool.submit(self._asked, question) for question in questions]
            for one in as_completed(sent):
                if isinstance(one.exception(), InputError):  # what would fail for all is not asked for all
                    pool.shutdown(wait=True, cancel_futures=True)
                    break
        errors = [error for one in sent if (error := _error_of(one)) is not None]
        done = [one.result() for one in sent if not one.cancelled() and one.exception() is None]
        self._remember(dict(done))
        if errors:
            raise next((error for error in errors if isinstance(error, InputError)), errors[0])
        return [said for _, said in done]

    def _remember(self, answers: dict[str, Said]) -> None:
        """Keep the latest answers."""
        kept = {**self._remembered, **answers}
        self._remembered = dict(list(kept.items())[-REMEMBERED:])

    def _asked(self, question: Question) -> tuple[str, Said]:
        """Ask one question; return its digest and the answer."""
        url = data_url(question.view, encoding=self.config.encoding)
        digest = hashlib.sha256(f"{question.prompt}\n{url}".encode()).hexdigest()
        if (known := self._remembered.get(digest)) is not None:
            return digest, known
        options = {} if self._format is None else {"response_format": self._format}
        answer = self.complete([url], question.prompt, max_tokens=self.config.max_new_tokens, **options)
        return digest, _said(answer)


def _error_of(one: "Future[tuple[str, Said]]") -> BaseException | None:
    return None if one.cancelled() else one.exception()


def _cause(error: BaseException) -> str:
    """The innermost reason: "connection refused" rather than "connection error"."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:200] or type(error).__name__


def _said(answer: Any) -> Said:
    """Read the text of an answer.

    Raises
    ------
    AnnotatorError
        When there is none.
    """
    choice = next(iter(getattr(answer, "choices", None) or []), None)
    text = None if choice is None or choice.message is None else choice.message.content
    if not isinstance(text, str):
        raise AnnotatorError(f"the server's answer holds no text: {str(answer)[:200]}")
    return Said(text.strip(), complete=choice.finish_reason != "length")  # type: ignore[union-attr]


def data_url(view: Image.Image, *, encoding: str) -> str:
    """Write a picture as a data URL; JPEG without loss of color resolution."""
    buffer = io.BytesIO()
    if encoding == "jpeg":
        view.save(buffer, format="JPEG", quality=95, subsampling=0)
    else:
        view.save(buffer, format="PNG")
    return f"data:image/{encoding};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _json_schema(choices: Choices) -> dict[str, Any]:
    """Make the server allow nothing but words of the vocabulary: a list of them, or one or "none"."""
    one: dict[str, Any] = {"type": "string", "enum": [*choices.words, NONE]}
    several = {"type": "array", "items": {**one, "enum": choices.words}, "maxItems": choices.most}
    name, values = choices.name, one if choices.most == 1 else several
    schema = {"type": "object", "properties": {name: values}, "required": [name], "additionalProperties": False}
    return {"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": True}}
