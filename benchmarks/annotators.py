"""How fast annotators are: bare model, pipeline from files to table, loop over single pictures; in one run.

    python benchmarks/annotators.py                            # all annotators, small models; prints tables
    python benchmarks/annotators.py --only yolox meter         # some of them
    python benchmarks/annotators.py --size real --device cuda  # published sizes, random weights, on an NVIDIA GPU
    python benchmarks/annotators.py --write docs/benchmarks.md

Each annotator is measured in a process of its own, the three ways in turn. Models other than the two ONNX files of
--models are made with random weights: they find nothing of use, but work as long as trained ones.
"""

import argparse
import shlex
import sys
import tempfile
import traceback
from pathlib import Path

from bench_cases import Case, cases, onnx_cases, prepare_models
from bench_devices import MILLISECONDS, elsewhere
from bench_feed import Plan, Speed, measure
from bench_pictures import images_of, make_pictures
from bench_report import Table, machine, megabytes, show, write
from bench_runs import fresh
from rich.console import Console

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
PACKAGES = ("torch", "transformers", "onnxruntime", "pillow", "polars", "deltalake")
FEEDING = "feeding"
PLACES = ("--models", "--photographs", "--made", "--write")
"""Options that say where things lie."""
COLUMNS = (
    *("<annotator", "batch", "pictures", "bare /s", "pipeline /s", "of bare", "loop /s", "times loop", "busy %"),
    *("waited s", "shard", "peak MB", "larger shard", "peak MB", "GPU MB"),
)


def main() -> None:
    """Measure and print; exit with 1 if something could not be measured."""
    given = _parser().parse_args()
    console = Console(width=max(180, Console().width) if not sys.stdout.isatty() else None)
    known = [*onnx_cases(), *cases(given.size)]
    wanted = given.only or [*(case.name for case in known), FEEDING]
    unknown = sorted(set(wanted) - {case.name for case in known} - {FEEDING})
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; known: {', '.join(case.name for case in known)}, {FEEDING}")
    with tempfile.TemporaryDirectory() as scratch:
        source = make_pictures(Path(scratch) / "pictures", photographs=given.photographs)
        about = machine(source, _command(sys.argv[1:]), packages=PACKAGES) + _device(given.device)
        for what, value in about:
            console.print(f"{what}: {value}", highlight=False)
        chosen = [case for case in known if case.name in wanted]
        tables = [models_table(chosen, given, Path(scratch), console)]
        if FEEDING in wanted:
            tables.append(feeding_table(given, Path(scratch), console))
    if given.write:
        write(given.write, tables, about=about)
    if any("failed" in cell for table in tables for row in table.rows for cell in row):
        sys.exit("something could not be measured: see the rows that say `failed`")


def models_table(chosen: list[Case], given: argparse.Namespace, scratch: Path, console: Console) -> Table:
    """Measure annotators, one process each."""
    table = Table(
        f"Annotators, {given.size} models" if given.size != "small" else "Annotators",
        COLUMNS,
        (
            "Pictures per second: of the model alone on prepared batches (bare), from files to a Delta table "
            "(pipeline), of a loop that opens and annotates one picture at a time; medians of alternating runs.",
            "busy: share of the pipeline's time within the model; waited: seconds of a run in which it had no picture.",
            "Peak: resident memory while a shard of so many pictures was annotated.",
        ),
    )
    images = images_of(scratch / "pictures")
    plan = Plan(seconds=given.seconds, repeats=given.repeat, most=given.most)
    folder = given.made or scratch / "models"
    for case in prepare_models(chosen, folder, given.size, given=given.models):
        console.print(f"[dim]{case.name}[/dim]", highlight=False)
        try:
            annotators = case.annotators(folder, device=given.device, batch=given.batch)
            table.rows.append(row(fresh(measure, case, annotators, images, scratch, plan)))
        except Exception as error:  # one annotator must not cost the figures of the others
            traceback.print_exception(error)
            table.rows.append([case.name, f"failed: {type(error).__name__}", *[""] * (len(table.columns) - 2)])
    show(console, table)
    return table


def row(found: Speed) -> list[str]:
    """Lay the figures of an annotator out."""
    return [
        found.name,
        str(found.batch),
        f"{found.pictures:,}",
        f"{found.bare:,.1f}",
        f"{found.pipeline:,.1f}",
        f"{100 * found.pipeline / found.bare:.0f} %",
        f"{found.loop:,.1f}",
        f"{found.pipeline / found.loop:.2f} x",
        f"{100 * found.busy:.0f}",
        f"{found.waited:.2f}",
        f"{found.small[0]:,}",
        megabytes(found.small[1]),
        f"{found.large[0]:,}",
        megabytes(found.large[1]),
        megabytes(found.device_peak) if found.device_peak else "",
    ]


def feeding_table(given: argparse.Namespace, scratch: Path, console: Console) -> Table:
    """Measure the pipeline with devices of several speeds that take no core of this machine."""
    table = Table(
        "Feeding a device",
        ("device, ms a picture", "device /s", "pipeline /s", "of bare", "loop /s", "times loop", "busy %", "waited %"),
        (
            "A device that takes so many milliseconds a picture and none of this machine's cores: pictures are "
            "opened, brought to 640 x 640 as 32-bit numbers, given to it by eights, and 100 boxes of each are written.",
        ),
    )
    images, plan = images_of(scratch / "pictures"), Plan(given.seconds, given.repeat, given.most, memory=False)
    for milliseconds in MILLISECONDS:
        found = fresh(elsewhere, milliseconds / 1000, images, scratch, plan)
        device = f"{1000 / milliseconds:,.0f}" if milliseconds else ""
        share = f"{100 * found.pipeline / found.bare:.0f} %" if milliseconds else ""
        cells = [str(milliseconds), device, f"{found.pipeline:,.0f}", share, f"{found.loop:,.0f}"]
        cells += [f"{found.pipeline / found.loop:.2f} x", f"{100 * found.busy:.0f}"]
        table.rows.append([*cells, f"{100 * found.waited / found.seconds:.1f}"])
    show(console, table)
    return table


def _device(name: str) -> list[tuple[str, str]]:
    if not name.startswith("cuda"):
        return []
    import torch

    return [("device", f"{torch.cuda.get_device_name(name)}, CUDA {torch.version.cuda}")]


def _command(arguments: list[str]) -> str:
    kept, skip = [], False
    for argument in arguments:
        place = argument.split("=")[0] in PLACES
        if not skip and not place:
            kept.append(argument)
        skip = place and "=" not in argument
    return shlex.join(["python", "benchmarks/annotators.py", *kept])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"annotators, or {FEEDING}")
    parser.add_argument("--size", choices=("tiny", "small", "real"), default="small", help="of models that are made")
    parser.add_argument("--device", default="cpu", help="of models of torch: cpu, cuda, cuda:1, ...")
    parser.add_argument("--batch", type=int, help="pictures per call; else each annotator's own")
    parser.add_argument("--seconds", type=float, default=4.0, help="of one run, about")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each kind")
    parser.add_argument("--most", type=int, default=1024, help="pictures of one run at most")
    parser.add_argument("--models", type=Path, default=SHARED / "models", help="folder of ONNX files")
    parser.add_argument("--photographs", type=Path, default=SHARED / "data" / "coco" / "images", help="JPEG files")
    parser.add_argument("--made", type=Path, help="folder that keeps the models that are made")
    parser.add_argument("--write", type=Path, help="Markdown file whose sections are replaced")
    return parser


if __name__ == "__main__":
    main()
