"""What is held out: a YAML file that is checked strictly. Without the file nothing is."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from provision_dagster.image_sets.spec import read_mapping
from provision_dagster.scene_graphs.annotators.config_files import checked

SPECIAL_NAMES = ("mmbench", "ccbench", "circular", "mmcr", "openended")
"""VLMEvalKit scores a data set with one of these in its name in another way than plain multiple choice."""


class HeldOutConfig(BaseModel):
    """Which pictures are held out, and how many questions about them are exported."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(
        default="provision_held_out",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="Name of the evaluation set: its tasks are NAME_2d, NAME_3d and NAME_multi.",
    )
    share: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Share of the pictures that are held out. Of questions about k pictures share^k are held out, and "
        "those with pictures on both sides are in neither set.",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Another seed holds out other pictures.")
    image_sets: tuple[str, ...] = Field(
        default=(),
        description="Image sets whose pictures may be drawn; empty: all. What is like a picture that was drawn is held "
        "out with it, whatever its set.",
    )
    max_phash_distance: int = Field(
        default=4,
        ge=0,
        le=10,
        description="Bits of 64 by which the perceptual hashes of two pictures may differ for both to be on one side, "
        "as for benchmarks.",
    )
    per_generator: int | None = Field(
        default=200, ge=1, description="Most questions of one generator that are exported; null: all."
    )
    base_pixels: bool = Field(
        default=True,
        description="Decode the pictures of a mix's base set to find those that look like a held-out one; false: "
        "compare their bytes alone, which is faster.",
    )

    @field_validator("name")
    @classmethod
    def _is_plain(cls, name: str) -> str:
        special = [text for text in SPECIAL_NAMES if text in name]
        if special:
            raise ValueError(f"must not contain {', '.join(SPECIAL_NAMES)}, which VLMEvalKit takes for another format")
        return name


def load_held_out(path: Path) -> HeldOutConfig | None:
    """Read what is held out from a YAML file; None where there is no file: nothing is.

    Raises
    ------
    InputError
        If the file cannot be read, is not YAML, or a field is unknown or out of range; all are named.
    """
    if not path.exists():
        return None
    return checked(read_mapping(path, holds="the settings of the held-out set"), model=HeldOutConfig, path=path)
