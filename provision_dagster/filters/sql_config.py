"""How much of the machine the SQL may take."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from provision_dagster.image_sets.spec import LocalPath


class SqlConfig(BaseModel):
    """Limits of DuckDB. They change how the SQL runs, never what comes of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    memory_limit: Annotated[str, Field(pattern=r"^\d+(\.\d+)? ?[KMGT]i?B$")] = Field(
        default="2GiB",
        description="Memory of DuckDB's own; what does not fit is written to `temp_directory` and read again. The "
        "rows that go in and come out are held by polars and not counted.",
    )
    temp_directory: LocalPath | None = Field(
        default=None, description="Folder for what does not fit into memory; null: the system's temporary folder."
    )
    threads: int | None = Field(default=None, ge=1, description="Threads of one run; null: the cores that there are.")


SQL_PATHS = ("temp_directory",)
"""Fields that name files: relative ones count from the file of filters."""
