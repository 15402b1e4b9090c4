"""What counts as a duplicate, and which benchmarks must not be in the data."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from provision_dagster.image_sets.spec import LocalPath

DUPLICATE_PATHS = ("embeddings", "questions", "images")
"""Fields of these configurations that name files: relative ones count from the file of filters."""

FILLER_WORDS = (
    *("a", "an", "the", "this", "that", "these", "those"),
    *("is", "are", "was", "were", "do", "does", "did", "can", "could", "would", "you", "i", "we"),
    *("there", "here", "please", "shown", "visible", "seen", "see", "displayed", "depicted"),
)
"""Words that a question may lose without asking something else. Prepositions are none: they say where things are."""

FILLER_PHRASES = tuple(
    f"{preposition} {article} {noun}"
    for preposition in ("in", "within", "from")
    for article in ("the", "this", "that", "the given", "the provided", "the shown")
    for noun in ("image", "picture", "photo", "photograph", "scene")
)
"""Ways to say "in the picture". "In the second image" is not among them: with several, it says which."""

Word = Annotated[str, Field(min_length=1)]


class DuplicatesConfig(BaseModel):
    """Which pictures and questions are too much alike to be kept both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pictures: bool = Field(default=True, description="Whether to look for pictures that are alike.")
    max_phash_distance: int = Field(
        default=2,
        ge=0,
        le=10,
        description="Bits of 64 by which the perceptual hashes of two pictures may differ. Half of the bits of a hash "
        "are set, so distances are even. Our own bound: a picture that is coded anew or made smaller moves by 0 or "
        "2 bits; 4 is what the two views of a stereo camera differ by.",
    )
    min_phash_bits: int = Field(
        default=24,
        ge=0,
        le=32,
        description="Set bits, and unset ones, that a perceptual hash must have to be compared. Pictures with any "
        "content have 31 to 33; a plain colour has few, the same for every colour.",
    )
    embeddings: LocalPath | None = Field(
        default=None,
        description="Parquet file with the columns `image_id` and `embedding` (a vector of floats per picture), of "
        "any model; pictures that are not in it are compared by hash alone.",
    )
    min_cosine: float = Field(
        default=0.98,
        gt=0,
        le=1,
        description="Cosine from which two embeddings are one picture. Depends on the model: look at pairs first.",
    )
    questions: bool = Field(default=True, description="Whether to look for questions that are alike.")
    scope: Literal["pictures", "shard"] = Field(
        default="pictures",
        description="`pictures`: only questions about the same pictures can be duplicates. `shard`: any two of a "
        "shard with the same answer, whatever they show; for texts whose wording must not repeat, not for questions "
        "such as 'How many dogs are there?', which are worth asking of every picture.",
    )
    short_answer_words: int = Field(
        default=8,
        ge=1,
        description="Answers of fewer words must be the same; longer ones are compared as part of the text.",
    )
    min_jaccard: float = Field(
        default=0.95,
        gt=0.3,
        le=1,
        description="Share of common shingles from which two texts are one, whatever words differ. One different word "
        "('dogs' for 'cats') changes three shingles: texts under 110 words never pass with one.",
    )
    same_words: bool = Field(
        default=True,
        description="Whether texts with the same meaning-bearing words in the same order are one, whatever fillers "
        "they have: 'How many dogs are there?' and 'How many dogs can you see in the picture?'.",
    )
    filler_words: tuple[Word, ...] = Field(default=FILLER_WORDS, description="Words that bear no meaning.")
    filler_phrases: tuple[Word, ...] = Field(default=FILLER_PHRASES, description="Phrases that bear no meaning.")
    shingle_words: int = Field(default=3, ge=1, le=10, description="Words of one shingle.")
    permutations: int = Field(
        default=64,
        ge=16,
        le=512,
        description="Hash functions of MinHash. Pairs that it proposes are compared word by word, so more functions "
        "find more pairs and never wrong ones.",
    )
    recall: float = Field(
        default=0.99,
        gt=0,
        lt=1,
        description="Chance that a pair at `min_jaccard` is proposed; more alike pairs have a greater one.",
    )


class BenchmarkConfig(BaseModel):
    """A benchmark whose pictures and questions must not be in the data."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1)] = Field(description="Name in `contamination.benchmark`.")
    questions: LocalPath | None = Field(
        default=None, description="File of questions: .json (a list), .jsonl, .ndjson, .parquet, .csv or .tsv."
    )
    column: Annotated[str, Field(min_length=1)] = Field(
        default="question", description="Column, or field of the JSON objects, that holds the question."
    )
    images: LocalPath | None = Field(
        default=None,
        description="Folder of pictures, or a table (.csv, .tsv, .jsonl, .ndjson, .parquet) with a column `sha256`, "
        "`phash` or both, and `name` where wanted.",
    )
    max_phash_distance: int = Field(
        default=4,
        ge=0,
        le=10,
        description="Bits of 64 by which a perceptual hash may differ from one of the benchmark. Wider than for "
        "duplicates: a picture lost costs less than a benchmark that is spoilt.",
    )
    ngram_words: int = Field(
        default=13,
        ge=2,
        le=50,
        description="Words in a row that a long question of the benchmark and a text may not share: 13 as GPT-3 "
        "(arXiv 2005.14165, appendix C).",
    )
    min_words: int = Field(
        default=8,
        ge=1,
        description="Questions shorter than `ngram_words` hit when they are asked as a whole. Those under `min_words` "
        "are not compared: 'What color is the cat?' is everybody's question, and only its picture makes it a "
        "benchmark's. 8 is the least of GPT-3.",
    )
    max_ngram_questions: int = Field(
        default=10,
        ge=1,
        description="n-grams in more questions of the benchmark are its way of asking ('Answer the question using a "
        "single word or phrase') and do not count; GPT-3 drops those seen more than 10 times.",
    )
    min_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Smallest share of a long question's n-grams that a text must hold; 0: one n-gram suffices.",
    )

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.questions is None and self.images is None:
            raise ValueError("a benchmark needs `questions`, `images` or both")
        return self
