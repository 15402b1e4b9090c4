"""The stages of the path, as names of assets: what a job or the command line makes in one run."""

REGISTER = ("image_sets",)
INGEST = ("image_sources", "annotations", "rejected_annotations")
PICTURES = ("images",)
ACROSS_SHARDS = ("repeated_pictures", "vocabulary", "answer_strengths")
PER_SHARD = (
    "scene_graphs",
    "rejected_evidence",
    "qa_object",
    "qa_attribute",
    "qa_relation",
    "filtered_qa",
    "rejected_qa",
    "qa_statistics",
    "label_statistics",
)
REGISTER_RECIPES = ("recipes",)
MIXES = ("mixes", "exports")
