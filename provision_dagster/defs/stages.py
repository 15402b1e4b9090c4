"""The stages of the path, as names of assets: what a job or the command line makes in one run."""

from provision_dagster.filters.models import load_models
from provision_dagster.filters.schema import FAMILIES

REGISTER = ("image_sets", "annotator_settings", "filter_settings", "score_settings")
INGEST = ("image_sources", "picture_safety", "annotations", "rejected_annotations")
PICTURES = ("images",)
ANNOTATE = ("detections", "masks", "depth_maps", "attributes", "relations")
ACROSS_SHARDS = (
    *("repeated_pictures", "vocabulary", "answer_strengths", "annotator_quality"),
    *("duplicate_pictures", "benchmark_items"),
)
GENERATE = ("scene_graphs", "rejected_evidence", *FAMILIES)
MODEL_SCORES = ("region_text_scores", "judge_scores")
COMPARISONS = ("duplicates", "contamination")
SCORES = (*MODEL_SCORES, *COMPARISONS)
"""What rules read beside questions, pictures and scene graphs: made between `GENERATE` and `FILTER`."""
FILTER = tuple(load_models(layers=["marts"]))
"""Staging and rule models are run with these: they are views without a table."""
PER_SHARD = (*GENERATE, *SCORES, *FILTER)
QUALITY = ("qa_quality", "quality_results", "data_docs")
HELD_OUT = ("held_out_pictures", "held_out", "held_out_exports")
REGISTER_RECIPES = ("recipes",)
MIXES = ("base_pictures", "mixes", "exports", "dataset_card")
