"""Relations seen from both ends, attributes that have a category, and the components that relations make."""

from dataclasses import dataclass

import numpy as np

from provision_dagster.generators.arrays import Ints, ints, offsets_of, packed
from provision_dagster.generators.graphs import Graphs


@dataclass(frozen=True)
class Edges:
    """Each relation seen from either end, sorted by object, neighbor, direction and predicate; arrays of equal length.

    `inward`: 1 where the neighbor is the subject. `of_object`: edges of object o are
    `of_object[o]` .. `of_object[o + 1] - 1`.
    """

    obj: Ints
    near: Ints
    inward: Ints
    predicate: Ints
    of_object: Ints

    @staticmethod
    def of(graphs: Graphs) -> "Edges":
        """See each relation from both ends; one of a thing to itself describes nothing."""
        subject, predicate, object_ = (ints(graphs.relations[c]) for c in ("subject", "predicate", "object"))
        apart = subject != object_
        subject, predicate, object_ = subject[apart], predicate[apart], object_[apart]
        obj, near = np.concatenate([subject, object_]), np.concatenate([object_, subject])
        inward = np.repeat(np.arange(2), len(subject))
        predicate = np.tile(predicate, 2)
        order = np.lexsort((packed(inward, predicate), packed(obj, near)))
        return Edges(
            obj[order],
            near[order],
            inward[order],
            predicate[order],
            offsets_of(np.bincount(obj, minlength=graphs.objects.height)),
        )


@dataclass(frozen=True)
class Typed:
    """Attributes that have a category, sorted by object, category and attribute, cut by `of_object`."""

    values: Ints
    category: Ints
    of_object: Ints

    @staticmethod
    def of(graphs: Graphs) -> "Typed":
        """Collect the attributes of the shard."""
        obj, attribute = ints(graphs.attributes["obj"]), ints(graphs.attributes["attribute"])
        category = graphs.words.category[attribute]
        known = category >= 0
        obj, attribute, category = obj[known], attribute[known], category[known]
        order = np.lexsort((packed(category, attribute), obj))
        return Typed(attribute[order], category[order], offsets_of(np.bincount(obj, minlength=graphs.objects.height)))


def roots(edges: Edges, *, objects: int) -> Ints:
    """First object that each can be reached from, by pointer jumping."""
    root = np.arange(objects)
    while True:
        least = root.copy()
        np.minimum.at(least, edges.obj, root[edges.near])
        np.minimum.at(least, root[edges.obj], root[edges.near])
        least = least[least]
        if np.array_equal(least, root):
            return root
        root = least
