"""What a picture shows and, as far as can be proven, does not show (T5)."""

from provision_dagster.generators.audit.checkers.attribute import has_attribute
from provision_dagster.generators.audit.checkers.relation import is_related
from provision_dagster.generators.audit.picture import Picture
from provision_dagster.generators.audit.verdict import Truth
from provision_dagster.generators.audit.words import NOTHING


def any_of(truths: set[Truth]) -> Truth:
    """Whether one of several things is so: false only if none can be."""
    if True in truths:
        return True
    return None if None in truths else False


def shows(picture: Picture, label: str) -> Truth:
    """Whether something of a label is there.

    Surely not, where the label was searched for; elsewhere if something is annotated, and nothing that may be called
    so, that has such a part or that wears such a thing, nor was a model unsure of such a thing.
    """
    if label in picture.by_label:
        return True
    near = picture.by_label.keys() & picture.words.related.get(label, NOTHING)
    if label in picture.searched:
        return None if near - picture.searched else False
    if not picture.labels:
        return None
    shown = picture.by_label.keys() | picture.doubtful
    wholes = shown & picture.words.wholes.get(label, NOTHING)
    worn = label in picture.words.worn and shown & picture.words.wearers
    return None if near or wholes or worn or picture.may_hide(label) else False


def shows_with(picture: Picture, label: str, wanted: frozenset[str]) -> Truth:
    """Whether something of a label with all of the attributes is there."""
    if label not in picture.by_label:
        return shows(picture, label)
    truths: set[Truth] = {None} if picture.rivals(label) or picture.may_hide(label) else set()
    for place in picture.by_label[label]:
        held = picture.attributes[place]
        each = [has_attribute(picture.words, held, a, complete=picture.complete_attributes) for a in wanted]
        truths.add(False if False in each else None if None in each else True)
    return any_of(truths)


def shows_related(picture: Picture, subject: str, predicates: frozenset[str], object: str) -> Truth:
    """Whether something of one label stands in a relation to something of another."""
    if subject not in picture.by_label or object not in picture.by_label:
        absent = [shows(picture, label) for label in (subject, object)]
        return False if False in absent else None
    unclear = any(picture.rivals(label) or picture.may_hide(label) for label in (subject, object))
    truths: set[Truth] = {None} if unclear else set()
    for one in picture.by_label[subject]:
        for two in picture.by_label[object]:
            if one != two:
                truths.update(is_related(picture, one, p, two) for p in predicates)
    return any_of(truths)
