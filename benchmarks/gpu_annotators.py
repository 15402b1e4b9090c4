"""Annotators at their published sizes on one NVIDIA GPU, with random weights: how fast, how busy, how much memory.

    python benchmarks/gpu_annotators.py                        # all; models are made first (some 30 GB on disk)
    python benchmarks/gpu_annotators.py --only sam2 depth_anything --made models/
    python benchmarks/gpu_annotators.py --tiny                 # tiny models on the processor: whether all of it runs

Models, processors and tokenizers are made from configurations: no hub is asked. Last, a batch that does not fit into
the GPU's memory is given to an annotator, which halves it until it fits.
"""

import argparse
import shlex
import sys
import tempfile
from pathlib import Path

from annotators import COLUMNS, PACKAGES, SHARED, models_table
from bench_cases import cases, prepare_models
from bench_memory import Halving, halving
from bench_pictures import images_of, make_pictures
from bench_report import Table, machine, megabytes, show, write
from bench_runs import fresh
from rich.console import Console

HALVED = "depth_anything"
"""The annotator that is given too large a batch."""


def main() -> None:
    """Measure and print; exit with 1 if something could not be measured."""
    given = _parser().parse_args()
    given.size, given.device, given.models = ("tiny", "cpu", None) if given.tiny else ("real", given.device, None)
    console = Console(width=max(180, Console().width) if not sys.stdout.isatty() else None)
    known = cases(given.size)
    wanted = given.only or [case.name for case in known]
    unknown = sorted(set(wanted) - {case.name for case in known})
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(case.name for case in known)}")
    with tempfile.TemporaryDirectory() as scratch:
        source = make_pictures(Path(scratch) / "pictures", photographs=given.photographs)
        about = machine(source, _command(given), packages=PACKAGES) + _device(given.device)
        for what, value in about:
            console.print(f"{what}: {value}", highlight=False)
        chosen = [case for case in known if case.name in wanted]
        tables = [models_table(chosen, given, Path(scratch), console)]
        assert len(tables[0].columns) == len(COLUMNS)
        if HALVED in wanted:
            tables.append(halving_table(given, Path(scratch), console))
    if given.write:
        write(given.write, tables, about=about)
    if any("failed" in cell for table in tables for row in table.rows for cell in row):
        sys.exit("something could not be measured: see the rows that say `failed`")


def halving_table(given: argparse.Namespace, scratch: Path, console: Console) -> Table:
    """Give an annotator a batch that does not fit."""
    folder = given.made or scratch / "models"
    (case,) = prepare_models([one for one in cases(given.size) if one.name == HALVED], folder, given.size, given=None)
    found = fresh(halving, case, folder, given.device, images_of(scratch / "pictures"), scratch)
    title = "Memory of the device runs out" if given.size == "real" else "Memory of the device runs out, tiny"
    notes = (
        "The memory that torch may use was limited so that a quarter of the batch fits; "
        "all pictures must have their results.",
    )
    columns = ("<annotator", "batch asked for", "batch that fits", "pictures", "failed", "images /s", "limit MB")
    table = Table(title, columns, notes, [_halved(case.name, found)])
    show(console, table)
    return table


def _halved(name: str, found: Halving) -> list[str]:
    limit = megabytes(found.limit) if found.limit else "simulated"
    return [name, str(found.asked), str(found.fits), str(found.pictures), str(found.failed), f"{found.rate:.1f}", limit]


def _device(name: str) -> list[tuple[str, str]]:
    import torch

    if not name.startswith("cuda"):
        return [("device", "the processor: figures say nothing of a GPU")]
    if not torch.cuda.is_available():
        sys.exit("no NVIDIA GPU can be used here; --tiny runs tiny models on the processor")
    memory = torch.cuda.get_device_properties(name).total_memory / 2**30
    return [("device", f"{torch.cuda.get_device_name(name)}, {memory:.0f} GiB, CUDA {torch.version.cuda}")]


def _command(given: argparse.Namespace) -> str:
    options = ["--tiny"] * given.tiny + (["--only", *given.only] if given.only else [])
    return shlex.join(["python", "benchmarks/gpu_annotators.py", *options])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="annotators")
    parser.add_argument("--tiny", action="store_true", help="tiny models on the processor")
    parser.add_argument("--device", default="cuda:0", help="cuda:0, cuda:1, ...")
    parser.add_argument("--batch", type=int, help="pictures per call; else each annotator's own")
    parser.add_argument("--seconds", type=float, default=10.0, help="of one run, about")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each kind")
    parser.add_argument("--most", type=int, default=2048, help="pictures of one run at most")
    parser.add_argument("--photographs", type=Path, default=SHARED / "data" / "coco" / "images", help="JPEG files")
    parser.add_argument("--made", type=Path, help="folder that keeps the models that are made")
    parser.add_argument("--write", type=Path, help="Markdown file whose sections are replaced")
    return parser


if __name__ == "__main__":
    main()
