"""Read and score a held-out set with VLMEvalKit alone; run where it is installed, with LMUData set.

Prints JSON: per data set the prompts and pictures as VLMEvalKit builds them, and the accuracy that it gives to answers
that are all right.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from PIL import Image
from vlmeval.dataset import build_dataset


def main(folder, names):
    """Build each data set, its prompts, and the score of right answers."""
    found = {}
    for name in names:
        data = build_dataset(name)
        seen = []
        for place in range(len(data)):
            said = data.build_prompt(place)
            sizes = [list(Image.open(part["value"]).size) for part in said if part["type"] == "image"]
            (text,) = [part["value"] for part in said if part["type"] == "text"]
            seen.append({"id": data.data.iloc[place]["id"], "prompt": text, "pictures": sizes})
        told = data.data.drop(columns=[one for one in ("image", "image_path") if one in data.data])
        file = Path(folder) / f"right_{name}.xlsx"
        told.assign(prediction=[f"{one}." for one in told["answer"]]).to_excel(file, index=False)
        scores = pd.DataFrame(data.evaluate(str(file), model="exact_matching"))
        found[name] = {"class": type(data).__name__, "seen": seen, "scores": scores.iloc[0].to_dict()}
    print("RESULT " + json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
