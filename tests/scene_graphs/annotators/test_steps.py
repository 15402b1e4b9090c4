"""Preparing, looking and reading out in threads of their own: order, faults of each step, cores."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from provision_dagster.errors import InputError
from provision_dagster.scene_graphs.annotators import side_by_side
from provision_dagster.scene_graphs.annotators.feeding import IN_A_ROW, AnnotatorError, Work, annotate_all
from provision_dagster.scene_graphs.annotators.onnx_model import OnnxModel
from provision_dagster.scene_graphs.annotators.steps import InSteps, steps_of
from provision_dagster.scene_graphs.annotators.working import one_core_each
from tests.scene_graphs.annotators.test_feeding import Pixels, number_of, pictures, rows


class Doubling(InSteps[Pixels, int]):
    """Doubles the number of a picture; notes the threads of each step."""

    def __init__(self, *, cannot_prepare: tuple[int, ...] = (), cannot_finish: tuple[int, ...] = ()) -> None:
        self.cannot = {"prepare": cannot_prepare, "finish": cannot_finish}
        self.threads: dict[str, set[str]] = {"prepare": set(), "forward": set(), "finish": set()}

    def _note(self, step: str, number: int = -1) -> None:
        self.threads[step].add(threading.current_thread().name.split("_")[0])
        if number in self.cannot.get(step, ()):
            raise ValueError(f"cannot {step} {number}")

    def load(self) -> None:
        """There is nothing to read."""

    def prepare(self, given: Pixels) -> tuple[int, int]:
        """Read the number."""
        number = int(given[0, 0, 0])
        self._note("prepare", number)
        return number, number

    def forward(self, ready: list[int]) -> list[int]:
        """Double it."""
        self._note("forward")
        return [2 * number for number in ready]

    def finish(self, about: int, raw: int) -> int:
        """Give it."""
        self._note("finish", about)
        return raw


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_steps_give_what_annotate_gives(tmp_path: Path, batch: int) -> None:
    model = Doubling()
    found = list(annotate_all(pictures(tmp_path, *[9] * 20), steps_of(model), batch=batch))
    assert [(one.row, one.found) for one in found] == [(n, 2 * n) for n in range(20)]
    assert model.threads == {"prepare": {"decode"}, "forward": {"MainThread"}, "finish": {"finish"}}
    assert model.annotate([np.full((2, 2, 3), 4, dtype=np.uint8)] * 2) == [8, 8]
    assert model.annotate([]) == []


def test_an_annotator_without_steps_does_all_at_the_model(tmp_path: Path) -> None:
    class Plain:
        def annotate(self, batch: list[Pixels]) -> list[int]:
            assert threading.current_thread() is threading.main_thread()
            return number_of(batch)

    assert rows(list(annotate_all(pictures(tmp_path, 9, 9, 9), steps_of(Plain())))) == [(n, n) for n in range(3)]


def test_a_fault_of_any_step_is_its_pictures_alone(tmp_path: Path) -> None:
    work = Work()
    model = Doubling(cannot_prepare=(2,), cannot_finish=(5,))
    found = {one.row: one for one in annotate_all(pictures(tmp_path, *[9] * 8), steps_of(model), batch=4, work=work)}
    assert [found[n].found for n in range(8)] == [0, 2, None, 6, 8, None, 12, 14]
    assert found[2].error == "ValueError on a picture of 9 x 6 pixels: cannot prepare 2"
    assert found[5].error == "ValueError on a picture of 9 x 6 pixels: cannot finish 5"
    assert work.failed == 2


@pytest.mark.parametrize("step", ["cannot_prepare", "cannot_finish"])
def test_a_step_that_always_fails_stops_the_run(tmp_path: Path, step: str) -> None:
    model = Doubling(**{step: tuple(range(40))})
    with pytest.raises(AnnotatorError, match=rf"failed on \d+ pictures one after the other.*{step.replace('_', ' ')}"):
        list(annotate_all(pictures(tmp_path, *[9] * 40), steps_of(model), batch=4))
    assert IN_A_ROW == 16


def test_what_is_kept_is_made_behind_the_model(tmp_path: Path) -> None:
    threads: set[str] = set()

    def kept(row: int, found: int) -> str:
        threads.add(threading.current_thread().name.split("_")[0])
        return f"{row}: {found}"

    found = annotate_all(pictures(tmp_path, 9, 9), steps_of(Doubling()), kept=kept)
    assert [one.found for one in found] == ["0: 0", "1: 2"]
    assert threads == {"finish"}


def test_a_batch_that_did_not_fit_is_not_tried_again_by_those_who_share_the_work(tmp_path: Path) -> None:
    sizes: list[int] = []

    def model(given: list[Pixels]) -> list[int]:
        sizes.append(len(given))
        if len(given) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return number_of(given)

    work = Work()
    for _ in range(2):
        assert len(list(annotate_all(pictures(tmp_path, *[9] * 8), model, batch=8, work=work))) == 8
    assert sizes == [8, 4, *[2] * 8]


def test_those_who_share_the_work_feed_the_model_in_turn(tmp_path: Path) -> None:
    places, work, inside, most = pictures(tmp_path, *[9] * 24), Work(), [0], [0]

    def model(given: list[Pixels]) -> list[int]:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        found = number_of(given)
        inside[0] -= 1
        return found

    def run(part: int) -> list[tuple[int, int | None]]:
        return rows(list(annotate_all(places[part * 6 : part * 6 + 6], model, batch=2, work=work)))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(run, range(4)))
    assert found == [[(n, n) for n in range(part * 6, part * 6 + 6)] for part in range(4)]
    assert most == [1]
    assert work.pictures == 24


def test_a_run_that_is_stopped_opens_no_more(tmp_path: Path) -> None:
    work = Work()
    outcomes = annotate_all(pictures(tmp_path, *[9] * 60), number_of, batch=2, work=work)
    next(outcomes)
    work.stopped.set()
    assert len(list(outcomes)) < 40


@pytest.mark.parametrize("number", [1, 2, 3, 7, 8])
def test_side_by_side_keeps_the_order(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    monkeypatch.setattr(side_by_side, "cores", lambda: 3)
    sizes: list[int] = []

    def doubled(given: list[int]) -> list[int]:
        sizes.append(len(given))
        return [2 * one for one in given]

    assert side_by_side.on_cores(doubled, list(range(number))) == [2 * n for n in range(number)]
    assert max(sizes) <= side_by_side.MOST
    assert len(sizes) >= min(number, 3)


def test_one_core_each_leaves_other_threads_as_they_were() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(2, initializer=one_core_each) as pool:
            assert set(pool.map(lambda _: torch.get_num_threads(), range(4))) == {1}
        assert torch.get_num_threads() == 2
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 2
    finally:
        torch.set_num_threads(before)


def summing(path: Path, *, pictures: int | str, gives: int | None = None) -> Path:
    """A model that takes so many pictures and gives the sum of each; or `gives` numbers."""
    taken = helper.make_tensor_value_info("images", TensorProto.FLOAT, [pictures, 3, 2, 2])
    given = helper.make_tensor_value_info("sums", TensorProto.FLOAT, [pictures if gives is None else gives])
    axes = [1, 2, 3] if gives is None else [0, 1, 2]
    node = helper.make_node("ReduceSum", ["images", "axes"], ["sums" if gives is None else "many"], keepdims=0)
    nodes = [node]
    if gives is not None:
        nodes.append(helper.make_node("Identity", ["many"], ["sums"]))
    start = [helper.make_tensor("axes", TensorProto.INT64, [3], axes)]
    graph = helper.make_graph(nodes, "sum", [taken], [given], initializer=start)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


@pytest.mark.parametrize("takes", [1, 3, "n"])
@pytest.mark.parametrize("number", [1, 2, 3, 7])
def test_files_that_take_a_fixed_number_of_pictures(tmp_path: Path, takes: int | str, number: int) -> None:
    model = OnnxModel(summing(tmp_path / "sum.onnx", pictures=takes))
    frames = [np.full((3, 2, 2), n, dtype=np.float32) for n in range(number)]
    assert model.run(frames).tolist() == [12.0 * n for n in range(number)]


def test_a_file_that_does_not_answer_for_each_picture_is_named(tmp_path: Path) -> None:
    model = OnnxModel(summing(tmp_path / "wrong.onnx", pictures=1, gives=2))
    with pytest.raises(InputError, match=r"wrong\.onnx`: expected an output for each of 1, got \(2,\)"):
        model.run([np.zeros((3, 2, 2), dtype=np.float32)])
