"""Tables of the lexicon: one CSV file each, with its columns, their defaults and allowed values."""

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["text", "bool", "list"]

NUMBERS = ("singular", "plural", "mass", "pair")
"""Grammatical number. `pair`: one thing with a plural name ("pants"); `mass`: takes no article ("grass")."""

LABEL_KINDS = ("thing", "stuff", "part", "clothing", "place", "text", "abstract")
POSITIONS = ("attributive", "predicative", "both")

PREDICATE_CLASSES = (
    "support", "support_pose", "support_under", "containment", "containment_pose", "contain", "wear", "hold",
    "ride", "proximity", "proximity_pose", "accompany", "has", "part", "belong", "left", "right", "front",
    "front_pose", "behind", "behind_pose", "above", "above_pose", "overhang", "hang_over", "below",
    "below_pose", "attachment", "print", "cover", "lean", "touch", "climb", "cross", "along", "look",
    "action", "approach", "away", "outside", "passive", "made", "text", "other", "junk",
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column of a lexicon file; a blank cell means `default` ("{label}" copies column `label`)."""

    name: str
    kind: Kind = "text"
    default: str = ""
    allowed: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class LexiconTable:
    """One lexicon file: its columns and the columns whose values together are unique."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = field(default=())

    @property
    def header(self) -> tuple[str, ...]:
        """Column names in file order."""
        return tuple(c.name for c in self.columns)

    @property
    def file(self) -> str:
        """File name inside a lexicon folder."""
        return f"{self.name}.csv"


def _key(name: str) -> Column:
    return Column(name, required=True)


_FLAG = ("true", "false")

TABLES: dict[str, LexiconTable] = {
    t.name: t
    for t in (
        LexiconTable(
            "labels",
            (
                _key("label"),
                Column("lemma", default="{label}"),
                Column("number", default="singular", allowed=NUMBERS),
                Column("countable", "bool", "false", _FLAG),
                Column("plural"),
                Column("is_group", "bool", "false", _FLAG),
                Column("kind", default="thing", allowed=LABEL_KINDS),
                Column("usable", "bool", "true", _FLAG),
            ),
            ("label",),
        ),
        LexiconTable("synonyms", (_key("group"), Column("labels", "list", required=True)), ("group",)),
        LexiconTable("hypernyms", (_key("label"), Column("parents", "list", required=True)), ("label",)),
        LexiconTable(
            "confusable",
            (_key("group"), Column("labels", "list", required=True), Column("with", "list")),
            ("group",),
        ),
        LexiconTable("bunched", (_key("label"),), ("label",)),
        LexiconTable("worn", (_key("label"),), ("label",)),
        LexiconTable("parts", (_key("part"), Column("wholes", "list", required=True)), ("part",)),
        LexiconTable(
            "attributes",
            (
                _key("attribute"),
                Column("canonical", default="{attribute}"),
                Column("category", default="other"),
                Column("exclusive_group"),
                Column("parent", "list"),
                Column("position", default="both", allowed=POSITIONS),
            ),
            ("attribute",),
        ),
        LexiconTable(
            "attribute_compatible",
            (_key("attribute"), Column("compatible", "list", required=True)),
            ("attribute",),
        ),
        LexiconTable("attribute_modifiers", (_key("modifier"), Column("category")), ("modifier",)),
        LexiconTable(
            "categories",
            (
                _key("category"),
                Column("noun", default="{category}"),
                Column("askable", "bool", "false", _FLAG),
            ),
            ("category",),
        ),
        LexiconTable(
            "value_nouns",
            (
                _key("exclusive_group"),
                Column("category", required=True),
                Column("noun", required=True),
                Column("labels", "list"),
            ),
            ("exclusive_group",),
        ),
        LexiconTable(
            "predicates",
            (
                _key("predicate"),
                Column("canonical", default="{predicate}"),
                Column("class", default="other", allowed=PREDICATE_CLASSES),
                Column("posture"),
                Column("singular"),
                Column("plural"),
                Column("option", default="{canonical}"),
                Column("requires_contact", "bool", "false", _FLAG),
                Column("inverse"),
                Column("implies", "list"),
                Column("usable", "bool", "true", _FLAG),
            ),
            ("predicate",),
        ),
        LexiconTable(
            "predicate_exclusive",
            (_key("first"), _key("second"), Column("unless", "list")),
            ("first", "second"),
        ),
        LexiconTable(
            "verbs",
            (_key("base"), Column("third_person", required=True), Column("participle", required=True)),
            ("base",),
        ),
    )
}
"""Every lexicon file, by name. A user's folder may hold any; rows of equal key are replaced, others added."""
