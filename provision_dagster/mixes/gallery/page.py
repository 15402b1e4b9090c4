"""The gallery as one HTML file: data as JSON, and a script of its own that turns it into text and pictures."""

from typing import Any

from provision_dagster.mixes.card.pages import asset, content_policy, render_page
from provision_dagster.mixes.gallery.entries import Gallery
from provision_dagster.mixes.recipe import Recipe


def gallery_page(shown: Gallery, *, recipe: Recipe, total: int) -> str:
    """Write the page.

    Parameters
    ----------
    shown
        Examples and pictures.
    recipe
        The mix's recipe.
    total
        Examples of the mix.

    Returns
    -------
    str
        HTML that asks for nothing else, from disk too. No text of the data is read as HTML: it comes as JSON without
        `<`, `>` and `&`, the script sets it as text, and the page's policy lets no other script run.
    """
    style, script = asset("page.css") + asset("gallery.css"), asset("gallery.js")
    place = {key: picture["number"] for key, picture in shown.pictures.items()}
    data = {
        "entries": [entry | {"pictures": [place[key] for key in entry["pictures"]]} for entry in shown.entries],
        "pictures": [_picture(picture) for picture in shown.pictures.values()],
    }
    return render_page(
        "gallery.html.jinja",
        recipe=recipe,
        total=total,
        shown=len(shown.entries),
        data=data,
        options={name: _values(shown, name) for name in ("generator", "family", "form", "origin")},
        scored=[
            name for name in ("judge", "region_text") if any(e["scores"].get(name) is not None for e in shown.entries)
        ],
        style=style,
        script=script,
        policy=content_policy(styles=[style], scripts=[script]),
    )


def _picture(picture: dict[str, Any]) -> dict[str, Any]:
    return {name: picture[name] for name in ("src", "width", "height", "problem", "name")}


def _values(shown: Gallery, name: str) -> list[str]:
    return sorted({entry[name] for entry in shown.entries})
