"""Peaks of memory, as metadata tells them."""

import numpy as np
import torch

from provision_dagster.scene_graphs.annotators.memory import forget_peak, peak_memory


def test_the_peak_of_the_process_stays_when_memory_is_free_again() -> None:
    forget_peak()
    before = peak_memory()["peak_memory_mb"]
    assert before is not None
    much = np.ones((before + 200) * 2**17)  # 8 bytes each: more than the process ever had
    del much
    after = peak_memory()
    assert after["peak_memory_mb"] is not None
    assert after["peak_memory_mb"] >= before + 150
    assert (after["peak_gpu_mb"] is None) == (not torch.cuda.is_available())
