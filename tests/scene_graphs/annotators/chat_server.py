"""A server on this machine that answers as vLLM does, or as a test wants it to."""

import base64
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image

MODEL = "tiny-vl"
KEY = "a key of this test"


@dataclass(frozen=True)
class Reply:
    """What is sent back: a text in a completion, or another body, after `wait` seconds.

    `listed` are the likeliest first tokens with the logarithms of their probabilities; null: the server tells none.
    """

    text: str | None = None
    status: int = 200
    reason: str = "stop"
    body: Any = None
    wait: float = 0.0
    listed: dict[str, Any] | None = None


@dataclass
class Served:
    """Requests that came in, and the most that were under way at a time."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    at_once: int = 0
    _under_way: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def one(self) -> Iterator[None]:
        with self._lock:
            self._under_way += 1
            self.at_once = max(self.at_once, self._under_way)
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1

    def prompts(self) -> list[str]:
        return [request["messages"][0]["content"][-1]["text"] for request in self.requests]

    def views(self) -> list[Image.Image]:
        return [views[0] for views in self.all_views()]

    def all_views(self) -> list[list[Image.Image]]:
        """Pictures of each request, in order."""
        return [
            [
                Image.open(io.BytesIO(base64.b64decode(part["image_url"]["url"].split(",", 1)[1])))
                for part in request["messages"][0]["content"][:-1]
            ]
            for request in self.requests
        ]


@contextmanager
def chat_server(answer: Callable[[str, int], Reply], *, key: str | None = None, models: Any = None) -> Iterator[Served]:
    """Serve chat completions.

    Parameters
    ----------
    answer
        From the prompt, and how often it was asked before, to the reply.
    key
        What requests must bring; null: nothing.
    models
        Answer to the question which models there are; null: as vLLM answers.
    """
    seen: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None: ...

        def do_GET(self) -> None:
            if self.path != "/v1/models":
                return self._send(404, {"detail": "Not Found"})
            if self._refused():
                return None
            offered = {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "vllm"}]}
            return self._send(200, offered if models is None else models)

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self._refused():
                return None
            with served.one():
                served.requests.append(request)
                prompt = request["messages"][0]["content"][-1]["text"]
                before = seen[prompt] = seen.get(prompt, -1) + 1
                reply = answer(prompt, before)
                time.sleep(reply.wait)
                return self._send(reply.status, _body(reply))

        def _refused(self) -> bool:
            served.keys.append(self.headers.get("Authorization", "").removeprefix("Bearer "))
            if key is None or served.keys[-1] == key:
                return False
            self._send(401, {"error": "Unauthorized"})
            return True

        def _send(self, status: int, body: Any) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Served(f"http://127.0.0.1:{server.server_address[1]}/v1")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _body(reply: Reply) -> Any:
    if reply.status != 200 or reply.body is not None:
        return (
            reply.body if reply.body is not None else {"error": {"message": reply.text or "no", "code": reply.status}}
        )
    message = {"role": "assistant", "content": reply.text}
    choice = {"index": 0, "message": message, "finish_reason": reply.reason, "logprobs": _logprobs(reply.listed)}
    return {"id": "chat-1", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice]}


def _logprobs(listed: dict[str, Any] | None) -> Any:
    if listed is None:
        return None
    top = [{"token": token, "logprob": value, "bytes": list(token.encode())} for token, value in listed.items()]
    return {"content": [{**(top[0] if top else {"token": "", "logprob": 0.0}), "top_logprobs": top}]}
