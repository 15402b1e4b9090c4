"""Questions that point at an object by its attributes and a neighbor."""

from provision_dagster.generators.audit.checkers.attribute import (
    judge_attribute_options,
    judge_noun,
    judge_said_attributes,
    judge_sizes,
)
from provision_dagster.generators.audit.checkers.object import judge_name
from provision_dagster.generators.audit.checkers.relation import judge_predicate_options, judge_said_predicates
from provision_dagster.generators.audit.descriptions import Description, fits, neighbors_of, read_description
from provision_dagster.generators.audit.english import items_of
from provision_dagster.generators.audit.picture import Picture
from provision_dagster.generators.audit.registry import checks
from provision_dagster.generators.audit.verdict import (
    Question,
    Verdict,
    check_leak,
    check_rests_on,
    judge_options,
)
from provision_dagster.generators.audit.words import NOTHING


def described(q: Question, v: Verdict, slot: str) -> tuple[int, list[Description]] | None:
    """Find the one object of the whole image that fits a description (T1), and the readings that it fits."""
    picture = q.picture
    readings = read_description(q.slots[slot], picture)
    if not readings:
        v.wrong("description_unreadable")
        return None
    found: list[tuple[int, Description]] = []
    for said in readings:
        truths = {place: fits(picture, place, said) for place in range(len(picture.labels))}
        fitting = [place for place, truth in truths.items() if truth]
        if len(fitting) > 1:
            v.ambiguous("description_not_unique")
        elif None in truths.values() and fitting:
            v.ambiguous("description_may_fit_another")
        elif fitting and _of_another_kind(picture, fitting[0], said):
            v.ambiguous("size_across_kinds")
        found += [(place, said) for place in fitting]
    if not found:
        v.wrong("nothing_fits_the_description")
        return None
    if len({place for place, _ in found}) > 1:
        v.ambiguous("description_not_unique")
    place = next((place for place, _ in found if (0, place) in q.shown), found[0][0])
    fitted = [said for other, said in found if other == place]
    near = {neighbor.label for neighbor in fitted[0].neighbors}
    if any(picture.may_hide(label) for label in {picture.labels[place], *near}):
        v.ambiguous("doubtful_label")
    for neighbor in fitted[0].neighbors:
        unclear = picture.referent(neighbor.label)[1]
        if neighbor.article == "the" and not neighbor.attributes and unclear == "label_not_unique":
            v.ambiguous("neighbor_not_unique")
    return place, fitted


def _of_another_kind(picture: Picture, place: int, said: Description) -> bool:
    """Whether, but for a size, a thing of another label fits: "small" compares things of one kind with each other."""
    sizes = {a for a in said.attributes if (word := picture.words.attribute.get(a)) and word.exclusive_group == "size"}
    if not sizes:
        return False
    bare = Description(said.attributes - sizes, said.neighbors)
    others = [other for other, label in enumerate(picture.labels) if label != picture.labels[place]]
    return any(fits(picture, other, bare) is not False for other in others)


def check_support(q: Question, v: Verdict, ends: list[tuple[int, list[Description]]]) -> None:
    """Demand that the evidence are the described objects, with or without their neighbors."""
    near = {(0, n) for place, fitted in ends for said in fitted for n in neighbors_of(q.picture, place, said)}
    check_rests_on(q, v, needed=[(0, place) for place, _ in ends], allowed=near)
    shown = {q.picture.labels[place] for _, place in q.shown} | {q.picture.labels[n] for _, n in near}
    if not set(q.metadata["objects"]) <= shown:
        v.wrong("metadata_objects")


@checks("SceneGraphObjectQA", options="label")
def scene_graph_object(q: Question, v: Verdict) -> None:
    """Compare the answer with the label of the described object."""
    found = described(q, v, "description")
    if found is None:
        return
    label, words = q.picture.labels[found[0]], q.words
    if q.answer != label:
        v.wrong("object_false")
    judge_options(q, v, lambda o: True if o == label else None if words.may_be(label, o) else False)
    if q.options:
        judge_name(q, v)
    word = words.label[label]
    check_leak(q, v, {label, word.lemma, word.plural}, slots=["description"])
    check_support(q, v, [found])


@checks("SceneGraphAttributeQA", options="attribute")
def scene_graph_attribute(q: Question, v: Verdict) -> None:
    """Compare the answer with the described object's attributes of the category, none of which may be said already."""
    found = described(q, v, "description")
    if found is None:
        return
    (place, fitted), words = found, q.words
    categories = words.categories_of_noun.get(q.slots["noun"], NOTHING)
    held = q.picture.attributes[place]
    asked = frozenset(a for a in held if words.attribute[a].category in categories)
    if not asked:
        v.wrong("no_attribute_of_that_category")
        return
    if all(any(words.attribute[a].category in categories for a in said.attributes) for said in fitted):
        v.leaking("category_in_the_description")
    answers = items_of(q.answer, known=held)
    judge_said_attributes(q, v, answers, asked)
    judge_sizes(v, q.picture, q.picture.labels[place], asked)
    judge_noun(q, v, q.picture.labels[place], asked)
    judge_attribute_options(q, v, held, asked=asked, categories=categories)
    check_leak(q, v, answers, slots=["description"])
    check_support(q, v, [found])


@checks("SceneGraphRelationQA", options="predicate")
def scene_graph_relation(q: Question, v: Verdict) -> None:
    """Compare the answer with what is said of the pair; neither description may use the other end."""
    ends = [described(q, v, f"{end}_description") for end in ("subject", "object")]
    if ends[0] is None or ends[1] is None:
        return
    (subject, of_subject), (object, of_object) = ends[0], ends[1]
    if subject == object or not q.picture.relations.get((subject, object)):
        v.wrong("not_related")
        return
    for place, fitted, other in ((subject, of_subject, object), (object, of_object, subject)):
        if all(neighbors_of(q.picture, place, said) == {other} for said in fitted):
            v.leaking("description_uses_the_other_end")
    judge_said_predicates(q, v, subject, object)
    judge_predicate_options(q, v, subject, object)
    check_support(q, v, [ends[0], ends[1]])
