"""Read and score a held-out set with VLMEvalKit alone; run where it is installed, with LMUData set.

Prints JSON: per data set what a model is shown (ids, texts, hashes of pixels), the scores of answers that are all
right, and the scores that VLMEvalKit's command line gives to answers that are all A.
"""

import hashlib
import json
import sys
from pathlib import Path

import pandas as pd
from PIL import Image
from vlmeval import run
from vlmeval.dataset import build_dataset


def shown(data):
    """Build each prompt as inference does."""
    seen = []
    for _, line in data.data.iterrows():
        parts = data.build_prompt(line)
        pictures = [digest(part["value"]) for part in parts if part["type"] == "image"]
        (text,) = [part["value"] for part in parts if part["type"] == "text"]
        seen.append({"id": line["id"], "prompt": text, "pictures": pictures})
    return seen


def digest(file):
    """Return a hash of pixels."""
    with Image.open(file) as picture:
        return hashlib.sha256(picture.convert("RGB").tobytes()).hexdigest()


def answered(data, answers, file):
    """Write predictions as inference does."""
    file.parent.mkdir(parents=True, exist_ok=True)
    told = data.data.drop(columns=[name for name in ("image", "image_path") if name in data.data])
    told.assign(prediction=answers).to_excel(file, index=False, engine="xlsxwriter")
    return str(file)


def command(names):
    """Run the command line of docs/train_and_evaluate.md; the model has answered before."""
    sys.argv = ["run.py", "--data", *names, "--model", "always_a", "--judge", "exact_matching", "--mode", "eval"]
    run.main()
    files = {name: Path("outputs", "always_a", f"always_a_{name}_acc.csv") for name in names}
    return {name: pd.read_csv(file).iloc[0].to_dict() for name, file in files.items()}


def main(names):
    """Read each data set, score two models, and print what was seen."""
    found = {}
    for name in names:
        data = build_dataset(name)
        right = answered(data, [f"{one}." for one in data.data["answer"]], Path("right", f"right_{name}.xlsx"))
        scores = data.evaluate(right, model="exact_matching").iloc[0].to_dict()
        answered(data, ["A"] * len(data), Path("outputs", "always_a", f"always_a_{name}.xlsx"))
        found[name] = {"class": type(data).__name__, "seen": shown(data), "right": scores}
    always_a = command(names)
    print("RESULT " + json.dumps({name: one | {"always_a": always_a[name]} for name, one in found.items()}))


if __name__ == "__main__":
    main(sys.argv[1:])
