"""Is a table of QA sound? Whole texts, an answer that is among the options, evidence."""

import polars as pl


def qa_rules() -> dict[str, pl.Expr]:
    """Expressions over QA rows that are true where a row is broken, by rule."""
    options, place = pl.col("options"), pl.col("answer_index")
    folded = options.list.eval(pl.element().str.to_lowercase())
    chosen = options.list.get(place, null_on_oob=True)
    return {
        "question_is_blank": pl.col("question").str.strip_chars() == "",
        "answer_is_blank": pl.col("answer").str.strip_chars() == "",
        "slot_not_filled": pl.col("question").str.contains(r"[{}]"),
        "one_option_only": options.list.len() == 1,
        "options_repeat": folded.list.n_unique() < options.list.len(),
        "answer_not_among_options": (options.list.len() > 0) & chosen.is_null(),
        "index_without_options": (options.list.len() == 0) & place.is_not_null(),
        "no_evidence": pl.col("evidence").struct.field("object_ids").list.len() == 0,
    }


def foreign_images(qa: pl.DataFrame, *, scene_graphs: pl.DataFrame) -> pl.DataFrame:
    """QA about a picture that is not among the scene graphs."""
    asked = qa.select("id", image_id="image_ids").explode("image_id")
    return asked.join(scene_graphs.select("image_id"), on="image_id", how="anti")
