"""What else a description might be read as (T1): attributes that run together, or that name another thing."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from provision_dagster.generators.arrays import Bools, Ints, Pairs, distinct, ints, member, packed
from provision_dagster.generators.graphs import Graphs
from provision_dagster.generators.programs.contained import Contained
from provision_dagster.generators.programs.description_text import verb_forms
from provision_dagster.generators.words import Words


def running_together(words: Words) -> Pairs:
    """Attributes of one thing that side by side can be read as a third: "light" and "blue"; in either order."""
    return words.once("attributes_run_together", lambda: _running_together(words))


def _running_together(words: Words) -> Pairs:
    text = words.attributes.text
    cut = _cuts(text).select(head="head", tail="tail")
    met = cut.join(_ends(text, "a"), left_on="head", right_on="end").join(
        _beginnings(text, "b"), left_on="tail", right_on="begin"
    )
    a, b = ints(met["a"]), ints(met["b"])
    apart = a != b
    a, b = a[apart], b[apart]
    return Pairs.of(np.concatenate([a, b]), np.concatenate([b, a]), codes=len(text))


def relational(graphs: Graphs) -> Ints:
    """(object, attribute), packed and sorted: attributes that state a relation to a label of the picture ("in photo").

    Whatever is so related has the attribute too, in other words.
    """
    return graphs.once("relational_attributes", lambda: _in_picture(graphs, *_relational(graphs.words)))


def _relational(words: Words) -> tuple[Ints, Ints]:
    """(attribute, label that it ends in) of attributes that begin with what may follow "is" in a relation."""
    verbs = verb_forms(words).to_frame("v").filter(pl.col("v").str.contains("^(is|are) "))
    begin = verbs.select(head=pl.col("v").str.replace("^(is|are) ", "").str.to_lowercase()).unique()
    label = pl.DataFrame({"tail": words.labels.text.str.to_lowercase(), "label": range(words.labels.words.height)})
    cut = _cuts(words.attributes.text)
    first = cut.join(begin, on="head").group_by("code").agg(begins=pl.col("size").min())
    # between the two there may be an article, or more attributes
    ends = cut.join(label, on="tail").join(first, on="code").filter(pl.col("size") >= pl.col("begins"))
    return ints(ends["code"]), ints(ends["label"])


def _in_picture(graphs: Graphs, attribute: Ints, label: Ints) -> Ints:
    """(object, attribute) of such attributes where the label stands in the object's picture."""
    pairs = Pairs.of(attribute, label, codes=graphs.words.attributes.words.height)
    obj, held = ints(graphs.attributes["obj"]), ints(graphs.attributes["attribute"])
    row, named = pairs.expand(held)
    there = _stands(graphs, obj[row], named)
    return distinct(packed(obj[row[there]], held[row[there]]))


def _stands(graphs: Graphs, obj: Ints, label: Ints) -> Bools:
    """Whether a label stands in the picture of an object."""
    return member(packed(graphs.img[obj], label), packed(graphs.labels.img, graphs.labels.label))


def renaming(graphs: Graphs) -> Ints:
    """(object, attribute), packed and sorted, that together read as another label of the picture: "black", "sign"."""
    return graphs.once("renaming_attributes", lambda: _renaming(graphs))


def _renaming(graphs: Graphs) -> Ints:
    words = graphs.words
    label = words.labels.text.str.to_lowercase()
    short = pl.DataFrame({"tail": label, "label": range(len(label))})
    # "black sign" = end of an attribute + label
    named = (
        _cuts(label)
        .join(short, on="tail")
        .join(_ends(words.attributes.text, "attribute"), left_on="head", right_on="end")
    )
    known = named.select("attribute", "label", other="code")
    held = pl.DataFrame(
        {"obj": ints(graphs.attributes["obj"]), "attribute": ints(graphs.attributes["attribute"])}
    ).with_columns(label=graphs.label[ints(graphs.attributes["obj"])])
    found = held.join(known, on=["attribute", "label"])
    obj = ints(found["obj"])
    there = _stands(graphs, obj, ints(found["other"]))
    return distinct(packed(obj, ints(found["attribute"]))[there])


@dataclass(frozen=True)
class Seams:
    """Names that could arise where two phrases meet: "white wine" in "black and white wine glass".

    `ends`: (name, attribute that ends in its first words); `labels`, `attributes`: (name, such that begins with its
    last).
    """

    ends: Contained
    labels: Contained
    attributes: Contained

    @staticmethod
    def of(names: pl.Series, words: Words) -> "Seams":
        """Look up where each name may arise."""
        cut, labels, attributes = _cuts(names), words.labels.text, words.attributes.text
        ends = cut.join(_ends(attributes, "long"), left_on="head", right_on="end")
        begins = [cut.join(_beginnings(t, "long"), left_on="tail", right_on="begin") for t in (labels, attributes)]
        found = [
            Contained.of(ints(met["code"]), ints(met["long"]), shape=(len(names), len(text)))
            for met, text in zip((ends, *begins), (attributes, labels, attributes), strict=True)
        ]
        return Seams(*found)

    def joined(self, *others: "Seams") -> "Seams":
        """Return the seams of several names of each thing."""
        return Seams(
            self.ends.joined(*(o.ends for o in others)),
            self.labels.joined(*(o.labels for o in others)),
            self.attributes.joined(*(o.attributes for o in others)),
        )

    def at_label(self, name: Ints, attribute: Ints, label: Ints) -> Bools:
        """Whether a name arises, as far as its ends tell, between an attribute and the label behind it."""
        return self.ends.has(name, attribute) & self.labels.has(name, label)

    def between(self, name: Ints, one: Ints, two: Ints) -> Bools:
        """The same for two attributes, in either order."""
        ends, begins = self.ends, self.attributes
        return (ends.has(name, one) & begins.has(name, two)) | (ends.has(name, two) & begins.has(name, one))


def _cuts(text: pl.Series) -> pl.DataFrame:
    """Cut each phrase in two in every way: `code` (its place), `size` (words of the head), `head`, `tail`."""
    words = pl.DataFrame({"code": range(len(text)), "w": text.str.to_lowercase().str.split(" ")})
    sizes = words.filter(pl.col("w").list.len() > 1).with_columns(size=pl.int_ranges(1, pl.col("w").list.len()))
    w, size = pl.col("w"), pl.col("size")
    return sizes.explode("size").select(
        "code", "size", head=w.list.head(size).list.join(" "), tail=w.list.slice(size).list.join(" ")
    )


def _ends(text: pl.Series, name: str) -> pl.DataFrame:
    """Last words of each phrase, and the whole: `name` (its place), `end`."""
    whole = pl.DataFrame({name: range(len(text)), "end": text.str.to_lowercase()})
    return pl.concat([whole, _cuts(text).select(pl.col("code").alias(name), end="tail")])


def _beginnings(text: pl.Series, name: str) -> pl.DataFrame:
    """First words of each phrase, and the whole: `name` (its place), `begin`."""
    whole = pl.DataFrame({name: range(len(text)), "begin": text.str.to_lowercase()})
    return pl.concat([whole, _cuts(text).select(pl.col("code").alias(name), begin="head")])
