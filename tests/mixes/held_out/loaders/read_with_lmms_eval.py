"""Read and score a held-out set with lmms-eval alone; run where it is installed, in the folder of the export.

Prints JSON: per task what a model that chats is shown (ids, texts, hashes of pixels), the scores of its answers, which
are all right, and the scores that lmms-eval's command line gives to its own model that always answers A.
"""

import hashlib
import json
import sys
from pathlib import Path

from lmms_eval import evaluator
from lmms_eval.api.model import lmms
from lmms_eval.cli import dispatch
from lmms_eval.tasks import TaskManager


class Right(lmms):
    """Answers with the right letter, and keeps what it was shown."""

    is_simple = False

    def __init__(self):
        super().__init__()
        self.seen = {}

    def generate_until(self, requests):
        """Answer each request from its own document."""
        answers = []
        for request in requests:
            _, doc_to_messages, _, doc_id, task, split = request.args
            doc = self.task_dict[task][split][doc_id]
            (turn,) = doc_to_messages(doc)
            pictures = [digest(part["url"]) for part in turn["content"] if part["type"] == "image"]
            (text,) = [part["text"] for part in turn["content"] if part["type"] == "text"]
            self.seen.setdefault(task, []).append({"id": doc["id"], "prompt": text, "pictures": pictures})
            answers.append(f"({doc['answer']})")
        return answers

    def loglikelihood(self, requests):
        """Not asked for by these tasks."""
        raise NotImplementedError

    def generate_until_multi_round(self, requests):
        """Not asked for by these tasks."""
        raise NotImplementedError


def digest(picture):
    """Return a hash of pixels."""
    return hashlib.sha256(picture.convert("RGB").tobytes()).hexdigest()


def scores(found):
    """Return the metrics of each task, without their filters' names."""
    return {
        task: {key.split(",")[0]: value for key, value in results.items() if isinstance(value, float)}
        for task, results in found["results"].items()
    }


def command(name):
    """Run the command line of docs/train_and_evaluate.md with a model that needs no weights."""
    model = ["--model", "dummy", "--model_args", "response=A"]
    tasks = ["--include_path", "lmms_eval", "--tasks", name, "--batch_size", "1"]
    sys.argv = ["lmms_eval", *model, *tasks, "--log_samples", "--output_path", "results"]
    dispatch.main()
    (file,) = Path("results").rglob("*_results.json")
    return json.loads(file.read_text())


def main(name):
    """Evaluate both models, and print what was seen."""
    model = Right()
    manager = TaskManager(include_path="lmms_eval", include_defaults=False)
    right = evaluator.simple_evaluate(model=model, tasks=[name], task_manager=manager)
    always_a = command(name)
    print("RESULT " + json.dumps({"seen": model.seen, "right": scores(right), "always_a": scores(always_a)}))


if __name__ == "__main__":
    main(sys.argv[1])
