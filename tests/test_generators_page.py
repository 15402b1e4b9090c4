"""docs/generators.md describes every generator, with a picture that is there."""

import re
from pathlib import Path

import pytest
import yaml
from PIL import Image

from provision_dagster.generators.registry import all_generators

DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "generators.md").read_text(encoding="utf-8")
ENTRIES = dict(re.findall(r"(?ms)^### (\w+)\n(.*?)(?=^##|\Z)", PAGE))


def test_the_page_lists_the_generators_that_are_registered() -> None:
    assert set(ENTRIES) == set(all_generators())


@pytest.mark.parametrize("name", sorted(all_generators()))
def test_an_entry_shows_a_question_with_its_picture_and_facts(name: str) -> None:
    entry = ENTRIES[name]
    alt, link = re.findall(r"^!\[(.+)\]\((images/generators/.+)\)$", entry, re.MULTILINE)[0]
    assert alt
    with Image.open(DOCS / link) as picture:
        picture.load()
        assert picture.width >= 300
    for part in (r"^- \*\*Question:\*\* \S", r"^- \*\*Answer:\*\* \S", r"^Part of the scene graph", r"[\d,]+ kept"):
        assert re.search(part, entry, re.MULTILINE), part
    choice = re.search(r"^- \*\*Multiple choice:\*\* (.*)", entry, re.MULTILINE)
    assert choice is None or len(re.findall(r"\*\*[A-Z]\. [^*]+\*\*", choice[1])) == 1


def test_every_reason_is_explained() -> None:
    named = set(re.findall(r"`(\w+)` [\d,]+", PAGE))
    explained = set(re.findall(r"^- `(\w+)`: \S", PAGE, re.MULTILINE))
    assert named
    assert named <= explained


def test_links_lead_to_files() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if not link.startswith("http")]
    assert links
    assert not [link for link in links if not (DOCS / link).exists()]


def test_pictures_are_small_and_all_shown() -> None:
    files = sorted((DOCS / "images" / "generators").iterdir())
    assert sum(file.stat().st_size for file in files) < 3_000_000
    assert {file.stem for file in files} == set(ENTRIES)


def test_no_family_is_left_without_a_title() -> None:
    told = yaml.safe_load((DOCS / "generators.yaml").read_text(encoding="utf-8"))
    assert {generator.family for generator in all_generators().values()} <= set(told["families"])
