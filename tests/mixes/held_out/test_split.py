"""Which pictures are held out."""

import random
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from provision_dagster.errors import InputError
from provision_dagster.mixes.held_out.config import HeldOutConfig, load_held_out
from provision_dagster.mixes.held_out.split import held_out_pictures
from tests.mixes.held_out.rows import HALF, held, many_pictures, phash, picture, pictures, side_of, turned


def test_without_settings_nothing_is_held_out() -> None:
    assert held_out_pictures(pictures(*many_pictures(20))).is_empty()


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_about_the_share_is_held_out(share: float) -> None:
    found = len(held(*many_pictures(4_000), config=HeldOutConfig(share=share)))
    # four standard deviations of a binomial: pictures are drawn by independent hashes
    assert abs(found - 4_000 * share) < 4 * (4_000 * share * (1 - share)) ** 0.5


def test_a_smaller_share_is_a_part_of_a_larger() -> None:
    rows = many_pictures(500)
    small, large = (held(*rows, config=HeldOutConfig(share=share)) for share in (0.1, 0.2))
    assert small < large


def test_another_seed_holds_out_others() -> None:
    rows = many_pictures(200)
    assert held(*rows) != held(*rows, config=HeldOutConfig(share=0.5, seed=1))


def test_known_pictures_for_a_known_seed() -> None:
    """A published split must come out the same with every version."""
    found = held(*many_pictures(12), config=HeldOutConfig(share=0.3, seed=7))
    assert sorted(found) == KNOWN


KNOWN = ["p0", "p4", "p5", "p9"]


def test_added_pictures_change_no_side() -> None:
    rows = many_pictures(300)
    before, names = held(*rows), {row["image_id"] for row in rows}
    assert held(*rows, *many_pictures(300, start=300)) & names == before


def test_the_order_of_the_pictures_does_not_matter() -> None:
    rows = many_pictures(100)
    assert held(*random.Random(0).sample(rows, len(rows))) == held(*rows)


def test_what_looks_like_a_held_out_picture_goes_with_it() -> None:
    drawn, other = side_of(True), side_of(False)
    looks = phash(1)
    for bits, together in ((0, True), (2, True), (4, True), (6, False)):
        pair = (picture(drawn, phash=looks), picture(other, phash=turned(looks, bits=bits)))
        assert held(*pair) == ({drawn, other} if together else {drawn})


def test_a_chain_of_pictures_that_look_alike_is_one_group() -> None:
    drawn, other = side_of(True), side_of(False)
    third = side_of(False, besides=[other])
    looks = [phash(1), turned(phash(1), bits=4), turned(phash(1), bits=8)]
    chain = [picture(name, phash=look) for name, look in zip((drawn, other, third), looks, strict=True)]
    assert held(*chain) == {drawn, other, third}
    assert held(chain[0], chain[2]) == {drawn}


def test_pictures_that_a_table_calls_alike_go_together() -> None:
    drawn, other = side_of(True), side_of(False)
    pair = (picture(drawn), picture(other))
    assert held(*pair) == {drawn}
    assert held(*pair, alike=[(other, drawn)]) == {drawn, other}
    assert held(*pair, alike=[(drawn, other), ("gone", drawn)]) == {drawn, other}


def test_plain_colours_do_not_hang_together() -> None:
    drawn, other = side_of(True), side_of(False)
    plain = "8000000000000000"
    assert held(picture(drawn, phash=plain), picture(other, phash=plain)) == {drawn}


def test_pictures_without_pixels_are_held_out_too() -> None:
    drawn, other = side_of(True), side_of(False)
    bare = {"phash": None, "sha256": None, "status": "annotations_only"}
    assert held(picture(drawn, **bare), picture(other, **bare)) == {drawn}


def test_a_picture_of_two_sets_is_held_out_in_both() -> None:
    drawn = side_of(True)
    rows = pictures(picture(drawn), picture(drawn, shard="coco-00000", image_set="coco"))
    found = held_out_pictures(rows, config=HALF)
    assert found.select("shard", "image_id").rows() == [("coco-00000", drawn), ("vg-00000", drawn)]


def test_only_some_sets_are_drawn_from() -> None:
    drawn, other = side_of(True), side_of(False)
    third = side_of(True, besides=[drawn])
    config = HeldOutConfig(share=0.5, image_sets=("vg",))
    elsewhere = {"image_set": "coco", "shard": "coco-00000"}
    rows = [picture(drawn), picture(other, phash=turned(picture(drawn)["phash"], bits=2), **elsewhere)]
    found = held_out_pictures(pictures(*rows, picture(third, **elsewhere)), config=config)
    assert dict(found.select("image_id", "drawn").rows()) == {drawn: True, other: False}
    assert set(found["group"]) == {drawn}


def test_an_unknown_set_is_an_error() -> None:
    with pytest.raises(InputError, match=r"no picture of \['gqa'\]; there are: vg"):
        held(picture("a"), config=HeldOutConfig(image_sets=("gqa",)))


@settings(max_examples=50, deadline=None)
@given(
    looks=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=12),
    added=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=6),
)
def test_a_held_out_picture_stays_so_whatever_is_added(
    looks: list[tuple[int, int]], added: list[tuple[int, int]]
) -> None:
    rows = [picture(f"q{i}", phash=turned(phash(k), bits=2 * b)) for i, (k, b) in enumerate([*looks, *added])]
    before, after = held(*rows[: len(looks)]), held(*rows)
    assert before <= after
    unlike = {k for k, _ in looks} - {k for k, _ in added}
    for row, (k, _) in zip(rows, looks, strict=False):
        if k in unlike:  # nothing like it came: its side is as before
            assert (row["image_id"] in before) == (row["image_id"] in after)


def test_settings_are_checked(tmp_path: Path) -> None:
    file = tmp_path / "held_out.yaml"
    assert load_held_out(file) is None
    file.write_text("{share: 0.1, seed: 3}")
    found = load_held_out(file)
    assert found is not None
    assert (found.share, found.seed) == (0.1, 3)
    for text, message in (
        ("{share: 1}", "field `share`.*less than 1, got 1"),
        ("{shares: 0.1}", "unknown field `shares`; allowed: `name`, `share`"),
        ("{name: my_mmbench}", "must not contain mmbench"),
        ("[]", "must hold the settings of the held-out set"),
    ):
        file.write_text(text)
        with pytest.raises(InputError, match=message):
            load_held_out(file)
