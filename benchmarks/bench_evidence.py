"""What scene graphs take from masks and depth maps."""

import tempfile
import time
from pathlib import Path
from typing import Any

from bench_common import Bench, attempted, told_met
from bench_data import Data, before_assembly, objects_per_image, write_rendered, write_synthetic
from bench_report import Table, megabytes, seconds
from bench_runs import fresh, resident_peak

from provision_dagster.scene_graphs.assemble import assemble

OBJECTS, EVIDENCE_IMAGES = 18, 16


def evidence(bench: Bench, table: Table) -> bool:
    """Measure what scene graphs take from masks and depth maps."""
    bench.say("targets: pixel evidence")
    label = f"pixel evidence, {OBJECTS} masks + depth, 640 x 480, files read"
    return attempted(table, label, fresh, _evidence_row, bench.data, label, bench.repeats)


def _evidence_row(data: Data, label: str, repeats: int) -> list[str]:
    with tempfile.TemporaryDirectory() as name:
        fields, masks = _evidence_files(data, Path(name))
        images, annotations = before_assembly(fields)
        before, peak, walls, processor = resident_peak(reset=True), 0, list[float](), list[float]()
        for _ in range(1 + repeats):
            wall, cpu = time.perf_counter(), time.process_time()
            assemble(images, annotations)
            walls.append((time.perf_counter() - wall) / images.height)
            processor.append((time.process_time() - cpu) / images.height)
            peak = peak or resident_peak()
    taken = min(processor[1:] or processor)
    best = min(walls[1:] or walls)
    told = label if masks == OBJECTS else label.replace(f"{OBJECTS} masks", f"{masks:.1f} masks on average")
    measured = f"{1e3 * taken:.1f} ms per image and core"
    cells = [told, measured, "<= 20 ms per image and core", told_met(taken <= 0.02), "masks read again at every access"]
    runs = [seconds(walls[0] * images.height), seconds(best * images.height)]
    return [*cells, f"{images.height}", "", *runs, megabytes(before), megabytes(peak)]


def _evidence_files(data: Data, folder: Path) -> tuple[dict[str, Any], float]:
    if data.script is None:
        fields = write_rendered(folder / "scenes", EVIDENCE_IMAGES)
        _, annotations = before_assembly(fields)
        return fields, float(annotations["objects"].list.len().mean() or 0)  # type: ignore[arg-type]
    sizes = objects_per_image(range(60 * EVIDENCE_IMAGES), script=data.script)
    numbers = [i for i, size in enumerate(sizes) if size == OBJECTS][:EVIDENCE_IMAGES]
    return write_synthetic(folder, numbers, script=data.script, masked=True), OBJECTS
