"""The stages of the path, as names of assets: what a job or the command line makes in one run."""

from provision_dagster.filters.schema import FAMILIES

REGISTER = ("image_sets", "annotator_settings")
INGEST = ("image_sources", "annotations", "rejected_annotations")
PICTURES = ("images",)
ANNOTATE = ("detections", "masks", "depth_maps", "attributes", "relations")
ACROSS_SHARDS = ("repeated_pictures", "vocabulary", "answer_strengths", "annotator_quality")
PER_SHARD = (
    "scene_graphs",
    "rejected_evidence",
    *FAMILIES,
    "filtered_qa",
    "rejected_qa",
    "qa_statistics",
    "label_statistics",
)
REGISTER_RECIPES = ("recipes",)
MIXES = ("mixes", "exports")
