"""What makes a description unfit to point at an object under strict rules (T1, T7)."""

import numpy as np
import numpy.typing as npt
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Pairs, bools, ints, member, packed
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.contained import Contained, contained
from provision_dagster.generators.programs.description_book import described_blocks
from provision_dagster.generators.programs.description_readings import relational, renaming, running_together
from provision_dagster.generators.programs.description_rivals import fits_another
from provision_dagster.generators.programs.descriptions import Described, Descriptions, descriptions
from provision_dagster.generators.programs.relation_options import related_pairs
from provision_dagster.generators.words import Words

REASONS = (
    "group_box",
    "doubtful_label",
    "unusable_predicate",
    "unusable_neighbor_label",
    "contradicting_predicates",
    "predicate_said_twice",
    "unknown_attribute",
    "contradicting_attributes",
    "attribute_said_twice",
    "attribute_in_neighbor_label",
    "attributes_run_together",
    "attribute_says_relation",
    "attribute_makes_other_label",
    "description_not_unique",
)
"""A fault is the place of its reason here, counted from 1; 0 = none."""

Faults = npt.NDArray[np.int8]


def all_faults(graphs: Graphs) -> Faults:
    """Judge every description, once per shard."""
    return graphs.once("description_faults", lambda: _all_faults(descriptions(graphs)))


def _all_faults(space: Descriptions) -> Faults:
    found = np.zeros(space.total, dtype=np.int8)
    for first, said in described_blocks(space):
        found[first : first + len(said.cell)] = faults(space, said)
    return found


def faults(space: Descriptions, said: Described) -> Faults:
    """Find the first reason against each description."""
    words = space.graphs.words
    found = edge_faults(space)[said.edge] if len(space.edges.obj) else np.zeros(len(said.cell), dtype=np.int8)
    found = np.where(said.edge >= 0, found, 0).astype(np.int8)
    group = space.graphs.once("group_boxes", lambda: bools(space.graphs.objects["is_group"].fill_null(False)))
    found[group[said.obj]] = _code("group_box")
    found[(found == 0) & _doubtful(space, said)] = _code("doubtful_label")
    for reason, broken in _attribute_faults(space, said).items():
        found[(found == 0) & broken] = _code(reason)
    left = np.flatnonzero((found == 0) & (words.attributes.words.height > 0))
    rivals = fits_another(space, said.some(left))
    found[left[rivals]] = _code("description_not_unique")
    return found


def _doubtful(space: Descriptions, said: Described) -> Bools:
    """Whether there may be more of the object's or of the neighbor's label than is marked: then of what is said too."""
    doubtful = space.graphs.doubtful
    if not len(space.edges.obj):
        return doubtful[said.obj]
    return np.asarray(doubtful[said.obj] | ((said.edge >= 0) & doubtful[space.edges.near[said.edge]]))


def _code(reason: str) -> int:
    return REASONS.index(reason) + 1


def edge_faults(space: Descriptions) -> Faults:
    """Judge each relation, once per shard."""
    return space.graphs.once("edge_faults", lambda: _edge_faults(space))


def _edge_faults(space: Descriptions) -> Faults:
    graphs, edges = space.graphs, space.edges
    predicates, labels = graphs.words.predicates, graphs.words.labels
    related = related_pairs(graphs)
    subject = np.where(edges.inward == 1, edges.near, edges.obj)
    object_ = np.where(edges.inward == 1, edges.obj, edges.near)
    pair = np.searchsorted(packed(related.subject, related.object), packed(subject, object_))
    label = graphs.label[edges.near]
    several = ~labels.flag("is_plural")[label] & _of_several(graphs.words)[edges.predicate]
    found = np.zeros(len(edges.obj), dtype=np.int8)
    for reason, broken in (
        ("unusable_predicate", ~predicates.flag("usable")[edges.predicate] | several),
        ("unusable_neighbor_label", ~labels.flag("usable")[label]),
        ("contradicting_predicates", related.contradicting[pair]),
        ("predicate_said_twice", _said_twice(graphs.words, subject, object_, edges.inward, edges.predicate)),
    ):
        found[(found == 0) & broken] = _code(reason)
    return found


def _of_several(words: Words) -> Bools:
    """Predicates that need several things: nothing is between one."""
    return bools(words.predicates.words["is_form"].str.contains(r"\b(?:between|among)\b"))


def _said_twice(words: Words, subject: Ints, object_: Ints, inward: Ints, predicate: Ints) -> Bools:
    """Whether an earlier predicate of the same pair reads the same ("wears" beside "wearing")."""
    said = pl.DataFrame(
        {"s": subject, "o": object_, "d": inward, "t": words.predicates.words["is_form"].gather(predicate)}
    )
    return ~bools(said.select(pl.struct(pl.all()).is_first_distinct()).to_series())


def _attribute_faults(space: Descriptions, said: Described) -> dict[str, Bools]:
    words = space.graphs.words
    unfit = unfit_attributes(words)
    three = np.flatnonzero(said.c >= 0)
    unknown = unfit[said.a] | unfit[said.b]
    unknown[three] |= unfit[said.c[three]]
    return {
        "unknown_attribute": unknown,
        "contradicting_attributes": _clash(clashing(words), said, three),
        "attribute_said_twice": _clash(alike(words), said, three),
        "attribute_in_neighbor_label": _in_label(space, said),
        "attributes_run_together": _clash(running_together(words), said, three),
        "attribute_says_relation": _among(space, said, relational(space.graphs), three),
        "attribute_makes_other_label": _of_neighbor_among(space, said, renaming(space.graphs)),
    }


def unfit_attributes(words: Words) -> Bools:
    """Attributes that cannot describe one object: unknown words, brands and other nouns, numbers."""
    nouns = [words.category_code(name) for name in ("noun", "count")]
    return np.asarray(~words.attributes.flag("known") | np.isin(words.category, nouns))


def clashing(words: Words) -> Pairs:
    """Attributes that cannot both be said of one thing; two colors can."""
    return words.once("clashing_attributes", lambda: _clashing(words))


def _clashing(words: Words) -> Pairs:
    keys = words.contradictions.keys
    one, two = keys >> 32, keys & 0xFFFFFFFF
    color = words.category_code("color")
    plain = (words.category[one] != color) & (words.category[two] != color)
    return Pairs.of(one[plain], two[plain], codes=words.attributes.words.height)


def alike(words: Words) -> Pairs:
    """Attributes of which one says what the other does, or holds its words: "dark dark blue"."""
    return words.once("alike_attributes", lambda: _alike(words))


def _alike(words: Words) -> Pairs:
    text = words.attributes.text
    within = contained(text, text)
    keys = np.concatenate([words.same_attribute.keys, within.keys, within.turned.keys])
    return Pairs.of(keys >> 32, keys & 0xFFFFFFFF, codes=len(text))


def _clash(pairs: Pairs, said: Described, three: Ints) -> Bools:
    """Whether two attributes of one thing are such a pair."""
    found = np.asarray((said.a_near == said.b_near) & pairs.has(said.a, said.b))
    a, b, c = said.a[three], said.b[three], said.c[three]
    found[three] |= pairs.has(a, c) | pairs.has(b, c)
    return found


def _among(space: Descriptions, said: Described, keys: Ints, three: Ints) -> Bools:
    """Whether (object, attribute) of the object or its neighbor is among packed ones."""
    found = _of_neighbor_among(space, said, keys)
    if len(keys):
        found |= ~said.a_near & member(packed(said.obj, said.a), keys)
        found |= ~said.b_near & member(packed(said.obj, said.b), keys)
        found[three] |= member(packed(said.obj[three], said.c[three]), keys)
    return found


def _of_neighbor_among(space: Descriptions, said: Described, keys: Ints) -> Bools:
    """Whether (object, attribute) of the neighbor is among packed ones."""
    if not len(keys) or not len(space.edges.obj):
        return np.zeros(len(said.cell), dtype=bool)
    near = space.edges.near[said.edge]
    by_a, by_b = (near_ & member(packed(near, a), keys) for near_, a in ((said.a_near, said.a), (said.b_near, said.b)))
    return np.asarray(by_a | by_b)


def _in_label(space: Descriptions, said: Described) -> Bools:
    """Whether an attribute of the neighbor is a word of its label: "the wooden wooden table"."""
    if not len(space.edges.obj):
        return np.zeros(len(said.cell), dtype=bool)
    label = space.graphs.label[space.edges.near[said.edge]]
    told = attributes_in_labels(space.graphs.words)
    return (said.a_near & told.has(said.a, label)) | (said.b_near & told.has(said.b, label))


def attributes_in_labels(words: Words) -> Contained:
    """(attribute, label that holds its words, or begins with its last)."""
    return words.once("attributes_in_labels", lambda: _in_labels(words))


def _in_labels(words: Words) -> Contained:
    attributes, labels = words.attributes.text, words.labels.text
    last = pl.DataFrame({"a": range(len(attributes)), "w": attributes.str.split(" ").list.last()})
    first = pl.DataFrame({"l": range(len(labels)), "w": labels.str.to_lowercase().str.split(" ").list.first()})
    meet = last.join(first, on="w")
    within = contained(attributes, labels)
    return within.joined(Contained.of(ints(meet["a"]), ints(meet["l"]), shape=within.shape))
