"""Parts of a recipe: sources, the base set, balance, budget, concepts, evaluation split, published size."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from provision_dagster.filters.schema import FAMILIES

Pictures = Literal["any", "single", "multi"]
"""single: questions about one picture; multi: about several."""

BaseMode = Literal["augment", "replace"]
"""augment: the base set and generated rows; replace: generated rows in place of as many rows of the base set."""

BalanceBy = Literal["answer", "label", "generator", "template"]
"""What must not prevail: answers and templates within a generator, generators and first labels within a source."""


class Strict(BaseModel):
    """Fields that are not known are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Source(Strict):
    """Some of the filtered QA. Selectors that are not given select everything; those given must all match."""

    families: tuple[str, ...] = Field(
        default=(), description=f"Families of generators; empty: all. Known: {', '.join(FAMILIES)}."
    )
    generators: tuple[str, ...] = Field(default=(), description="Names of generators; empty: all.")
    image_sets: tuple[str, ...] = Field(default=(), description="Names of image sets; empty: all.")
    templates: tuple[str, ...] = Field(default=(), description="Ids of templates; empty: all.")
    images: Pictures = Field(
        default="any", description="single: questions about one picture. multi: about several. any: both."
    )
    min_judge: float | None = Field(
        default=None, ge=0, le=1, description="Least P(Yes) of the judge; rows that it has not scored are left out."
    )
    max_judge: float | None = Field(
        default=None, ge=0, le=1, description="P(Yes) of the judge must be below; rows without a score are left out."
    )
    min_region_text: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description="Least cosine of region and expression; rows that have none are left out.",
    )
    hard: bool = Field(
        default=False,
        description="Take, in place of filtered QA, those that the judge alone rejected as hard rather than false "
        "(Genixer: P(Yes) from 0.5 to 0.7; the settings of the filters say the band).",
    )
    count: int | None = Field(default=None, ge=1, description="Rows to take; fewer are an error.")
    ratio: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Share to take of the rows that can be taken, rounded down, but at least one row.",
    )

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if self.count is not None and self.ratio is not None:
            raise ValueError("give `count` or `ratio` or neither (everything), not both")
        unknown = sorted(set(self.families) - set(FAMILIES))
        if unknown:
            raise ValueError(f"`families` must be of {', '.join(FAMILIES)}, got {', '.join(unknown)}")
        if self.min_judge is not None and self.max_judge is not None and self.min_judge >= self.max_judge:
            raise ValueError(f"`min_judge` must be less than `max_judge`, got {self.min_judge} and {self.max_judge}")
        return self


class Base(Strict):
    """A training set of others, such as LLaVA's, that generated rows are added to or put into."""

    file: str = Field(
        min_length=1, description="LLaVA JSON or JSON lines, plain or gzip; relative to the folder one works in."
    )
    image_root: str | None = Field(
        default=None, description="Folder that the file's picture paths are relative to; null: paths as they are."
    )
    license: str = Field(default="unknown", description="Licence of the base set, as the manifest is to name it.")
    mode: BaseMode = Field(
        default="augment",
        description="augment: generated rows are added. replace: as many base rows as are generated make room.",
    )
    part: str | None = Field(
        default=None,
        min_length=1,
        description="Only records whose first picture has a path that begins so make room (mode replace); null: all.",
    )
    ratio: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Generated rows per base row, rounded down (ProVision: 0.05, 0.1, 0.2, 0.5); null: all that the "
        "sources take.",
    )

    @model_validator(mode="after")
    def _part_makes_room(self) -> Self:
        if self.part is not None and self.mode != "replace":
            raise ValueError(f"`part` says what is replaced: `mode` must be replace, got {self.mode}")
        return self


class Balance(Strict):
    """A limit for what prevails among the rows of each source."""

    by: tuple[BalanceBy, ...] = Field(
        min_length=1,
        description="answer and template: within each generator. generator and label (the first that a question "
        "mentions): within each source.",
    )
    max_share: float = Field(
        gt=0, le=1, description="Most that one value may have; an equal share where there are too few values for it."
    )


class Tokens(Strict):
    """A budget of tokens for the whole mix."""

    tokenizer: str = Field(
        min_length=1, description="Folder of a transformers tokenizer, or a `tokenizer.json`; nothing is downloaded."
    )
    max_total: int = Field(ge=1, description="Most tokens of all turns together, without special tokens.")
    per_image: int = Field(default=0, ge=0, description="Tokens that a picture counts as (LLaVA-1.5: 576).")


class HeldOut(Strict):
    """Whether the mix keeps to the split of `held_out_pictures`: settings of that are a file of their own."""

    exclude: bool = Field(
        default=True,
        description="Leave out of the mix whatever shows a held-out picture, or one that is like it; false: train with "
        "them too, and be warned.",
    )


class Concepts(Strict):
    """Diversity as in SVIT: of each generator, the rows come first that touch most of what benchmarks ask."""

    file: str | None = Field(
        default=None,
        description="Words of abilities, one a line, `# name` above those of one ability; null: the list that ships.",
    )
    min_count: int = Field(default=3, ge=1, description="Concepts that fewer rows mention are dropped (low frequency).")
    yes_share: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description="Share of yes among the answers yes and no, reached by leaving out rows of the more frequent one; "
        "null: as it comes.",
    )


class Target(Strict):
    """The size that was published, to compare with."""

    rows: int = Field(ge=1, description="Rows that the published set has; metadata and manifest say what was reached.")
    source: str = Field(default="", description="Where that figure stands.")
