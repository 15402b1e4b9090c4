"""Read and score a held-out set with lmms-eval alone; run where it is installed, in the folder of the export.

Prints JSON: per task the rows, prompts, sizes of pictures and targets as lmms-eval sees them, and the scores that its
evaluator gives to a model that is always right.
"""

import json
import sys

import lmms_eval.evaluator
from lmms_eval.api.model import lmms
from lmms_eval.tasks import TaskManager, get_task_dict


class Right(lmms):
    """Answers with the letter that is right for the first, and with "A" for the others where it is told to guess."""

    def __init__(self):
        super().__init__()
        self.seen = {}

    def generate_until(self, requests):
        """Answer each request from its own document."""
        answers = []
        for request in requests:
            context, _, doc_to_visual, doc_id, task, split = request.args
            doc = self.task_dict[task][split][doc_id]
            shown = doc_to_visual(doc)
            self.seen.setdefault(task, []).append(
                {"id": doc["id"], "prompt": context, "pictures": [list(one.size) for one in shown]}
            )
            answers.append(f"({doc['answer']})")
        return answers

    def loglikelihood(self, requests):
        """Not asked for by these tasks."""
        raise NotImplementedError

    def generate_until_multi_round(self, requests):
        """Not asked for by these tasks."""
        raise NotImplementedError


def main(name):
    """Load the group, evaluate a model on it, and print what was seen."""
    manager = TaskManager(include_path="lmms_eval", include_defaults=False)
    tasks = get_task_dict([name], manager)
    model = Right()
    done = lmms_eval.evaluator.evaluate(lm=model, task_dict=tasks, limit=None, cli_args=None)
    scores = {
        task: {key.split(",")[0]: value for key, value in found.items() if isinstance(value, float)}
        for task, found in done["results"].items()
    }
    print("RESULT " + json.dumps({"seen": model.seen, "scores": scores}))


if __name__ == "__main__":
    main(sys.argv[1])
