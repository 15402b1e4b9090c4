"""SceneGraphCaption: the whole image in sentences."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Ints, Ragged, distinct, ints, offsets_of, packed
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.caption_facts import Facts, caption_facts
from provision_dagster.generators.programs.caption_text import captions
from provision_dagster.generators.programs.common import table
from provision_dagster.generators.registry import Candidates, Draft, Generator, Mentions, Rules, register


@dataclass(frozen=True)
class Told:
    """What is said of each image, and how."""

    facts: Facts
    text: pl.Series


def _told(graphs: Graphs, rules: Rules) -> Told:
    """Write all captions, once per shard."""

    def make() -> Told:
        facts = caption_facts(graphs, rules)
        return Told(facts, captions(graphs, facts))

    return graphs.once(("captions", rules), make)


def candidates(graphs: Graphs, rules: Rules) -> Candidates:
    """One per image that has objects."""
    img = np.flatnonzero(ints(graphs.images["objects"]) > 0)
    if rules == "paper":
        return Candidates(table(img=img))
    shown = np.bincount(graphs.img[caption_facts(graphs, rules).shown], minlength=graphs.images.height)
    return Candidates(table(img=img), {"nothing_to_describe": shown[img] == 0})


def mentions(graphs: Graphs, rows: pl.DataFrame) -> Mentions:
    """The labels of all objects."""
    img = ints(rows["img"])
    labels = graphs.labels
    return Mentions(labels=Ragged.slices(labels.label, first=labels.of_image[img], size=np.diff(labels.of_image)[img]))


def finish(graphs: Graphs, rows: pl.DataFrame, rules: Rules) -> Draft:
    """Answer with the caption; there is nothing to choose."""
    told, img = _told(graphs, rules), ints(rows["img"])
    facts, count = told.facts, graphs.images.height
    shown = np.flatnonzero(facts.shown)
    objects = Ragged(shown, offsets_of(np.bincount(graphs.img[shown], minlength=count)))
    held = facts.held
    return Draft(
        slots={},
        answer=told.text.gather(img),
        objects=_some(objects, img),
        mentions=Mentions(
            labels=_some(_words(graphs.img[shown], graphs.label[shown], count), img),
            attributes=_some(_words(graphs.img[held.rows], held.values, count), img),
            predicates=_some(_words(graphs.img[facts.subject], facts.predicate, count), img),
        ),
    )


def _words(img: Ints, code: Ints, images: int) -> Ragged:
    """Distinct words of each image."""
    keys = distinct(packed(img, code))
    return Ragged(keys & 0xFFFFFFFF, offsets_of(np.bincount(keys >> 32, minlength=images)))


def _some(lists: Ragged, rows: Ints) -> Ragged:
    return Ragged.slices(lists.values, first=lists.offsets[rows], size=lists.sizes[rows])


register(
    Generator(
        name="SceneGraphCaption",
        family="qa_scene_graph",
        version="3",
        key={},
        slots=(),
        candidates=candidates,
        mentions=mentions,
        finish=finish,
    )
)
