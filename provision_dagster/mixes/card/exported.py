"""The card of an export: of the mix and the tables as they were when it was made."""

from pathlib import Path

from provision_dagster.mixes.card.write import READ, write_card
from provision_dagster.mixes.manifest import MANIFEST, read_manifest
from provision_dagster.mixes.rebuild import table_at
from provision_dagster.mixes.recipe import parse_recipe
from provision_dagster.storage.store import Store


def write_exported_card(folder: str | Path, *, store: Store) -> dict[str, Path]:
    """Write card and gallery of an export, from the versions of the tables that its manifest names.

    What became of the tables or of the recipe since then does not matter.

    Parameters
    ----------
    folder
        Folder with a manifest; its folder `card` gets the files.
    store
        The tables.

    Returns
    -------
    dict of str to Path
        As from `write_card`.

    Raises
    ------
    InputError
        If there is no manifest, it names no version of a table, or that cannot be read any more (the message says
        which).
    """
    root = Path(folder)
    manifest = read_manifest(root)
    recipe = parse_recipe(manifest["recipe"], file=str(root / MANIFEST))
    versions: dict[str, int] = manifest["table_versions"]
    mix = table_at(store, "mixes", versions=versions, key=recipe.name)
    tables = {name: table_at(store, name, versions=versions) for name in READ}
    told = {name: versions[name] for name in (*READ, "mixes")}
    return write_card(mix, root / "card", recipe=recipe, tables=tables, table_versions=told)
