"""Functions that the task files of a held-out set name; lmms-eval imports this file from beside them."""

import re
from typing import Any

PICTURES = ("image_1", "image_2", "image_3", "image_4")


def doc_to_visual(doc: dict[str, Any]) -> list[Any]:
    """Return the pictures of a question, in order."""
    return [doc[name].convert("RGB") for name in PICTURES if doc.get(name) is not None]


def doc_to_text(doc: dict[str, Any], lmms_eval_specific_kwargs: dict[str, str] | None = None) -> str:
    """Return the question with its options, between the texts that the model wants around it."""
    around = lmms_eval_specific_kwargs or {}
    return f"{around.get('pre_prompt', '')}{doc['prompt']}{around.get('post_prompt', '')}"


def doc_to_target(doc: dict[str, Any]) -> str:
    """Return the right letter."""
    return str(doc["answer"])


def process_results(doc: dict[str, Any], results: list[str]) -> dict[str, float]:
    """Score an answer: 1 if its letter is the right one. Counted for all questions, and for those of its task."""
    right = float(letter(results[0], doc["choices"]) == doc["answer"])
    return {"accuracy": right, f"accuracy_{doc['task']}": right}


def letter(response: str, choices: list[str]) -> str | None:
    """Read the letter that a response chooses; None when it names none, or several.

    Understood are "B", "(B)", "B. a dog", "b)", "The answer is B.", and the text of an option as it stands.
    """
    text = response.strip()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(choices)]
    whole = [letters[i] for i, choice in enumerate(choices) if _plain(choice) == _plain(text)]
    if len(whole) == 1:
        return whole[0]
    begins = re.match(rf"^\(?([{letters}{letters.lower()}])(?:[).:,]|\s*$)", text)
    # a capital A may be an article: it counts only where something says that it is a letter
    named = re.findall(rf"(?:\(([{letters}])\)|\b(?:answer|option|choice)(?: is|:)?\s*([{letters}])\b)", text)
    found = {one or other for one, other in named} | ({begins.group(1).upper()} if begins else set())
    return found.pop() if len(found) == 1 else None


def _plain(text: str) -> str:
    return text.strip().rstrip(".").lower()
