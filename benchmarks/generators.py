"""How fast questions are made, and in how much memory: per generator, jointly, against the targets, and by volume.

    python benchmarks/generators.py                           # everything; prints tables
    python benchmarks/generators.py --quick                   # 1,000 images only, under a minute
    python benchmarks/generators.py --only evidence multi     # some topics
    python benchmarks/generators.py --write docs/benchmarks.md

Each figure is taken in a new process. Scene graphs are made beforehand and kept in the cache folder: synthetic ones by
`make_scene_graphs.py` where its folder is there (--bench), else rendered scenes.
"""

import argparse
import shlex
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from bench_common import Bench
from bench_data import Data
from bench_evidence import evidence
from bench_generators import generators
from bench_report import Table, machine, show, write
from bench_scaling import scaling
from bench_targets import joint, multi, targets_table
from bench_volume import VOLUME_IMAGES, volume
from rich.console import Console

ROOT = Path(__file__).resolve().parents[1]
TARGETS: dict[str, Callable[[Bench, Table], bool]] = {
    "joint": joint,
    "evidence": evidence,
    "multi": multi,
    "volume": volume,
}
TOPICS = ("generators", *TARGETS, "scaling")
QUICK = ("generators", "evidence", "scaling")
PLACES = ("--bench", "--cache", "--scratch", "--write")
"""Options that say where things lie: they change no figure and are not shown."""


def main() -> None:
    """Measure and print; exit with 1 if something could not be measured."""
    given = _parser().parse_args()
    console = Console(width=max(160, Console().width) if not sys.stdout.isatty() else None)
    bench_folder = given.bench if (given.bench / "make_scene_graphs.py").exists() else None
    data = Data(bench_folder, given.cache)
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        bench = Bench(
            data=data,
            images=given.images,
            repeats=given.repeat or (1 if given.quick else 3),
            quick=given.quick,
            workers=given.make_workers,
            scratch=Path(scratch),
            say=lambda what: console.print(f"[dim]{what}[/dim]", highlight=False),
        )
        prepare(bench)
        if given.prepare:
            return
        about = machine(data.source, _command(sys.argv[1:]))
        for what, value in about:
            console.print(f"{what}: {value}", highlight=False)
        tables, good = measured(bench, given.only or (QUICK if given.quick else TOPICS), console)
    if given.write:
        write(given.write, tables, about=about)
    if not good:
        sys.exit("something could not be measured: see the rows that say `failed`")


def measured(bench: Bench, topics: Sequence[str], console: Console) -> tuple[list[Table], bool]:
    """Go through the topics; a table is printed when it is full."""
    tables, good = [], True
    if "generators" in topics:
        table, fine = generators(bench)
        tables, good = [table], fine
        show(console, table)
    chosen = [topic for topic in TARGETS if topic in topics]
    if chosen:
        table = targets_table(bench)
        for topic in chosen:
            good &= TARGETS[topic](bench, table)
        tables.append(table)
        show(console, table)
    if "scaling" in topics:
        table, fine = scaling(bench)
        tables.append(table)
        good &= fine
        show(console, table)
    return tables, good


def prepare(bench: Bench) -> None:
    """Make the scene graphs of all topics, so that none is made while something is measured."""
    few, many = bench.images, bench.images * VOLUME_IMAGES
    data = bench.data
    shards = [data.partly_masked(few, masked=bench.masked), *data.plain(few if bench.quick else many)]
    shards.append(data.masked(bench.masked if bench.quick else few))
    data.make(shards, workers=bench.workers)


def _command(arguments: Sequence[str]) -> str:
    kept, skip = [], False
    for argument in arguments:
        place = argument.split("=")[0] in PLACES
        if not skip and not place:
            kept.append(argument)
        skip = place and "=" not in argument
    return shlex.join(["python", "benchmarks/generators.py", *kept])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,000 images only, by family, few runs")
    parser.add_argument("--only", nargs="+", choices=TOPICS, help="topics")
    parser.add_argument("--repeat", type=int, help="runs after the first of a process (3; quick: 1)")
    parser.add_argument("--images", type=int, default=1_000, help="images of the small runs; all others are multiples")
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench", help="folder of the script")
    parser.add_argument("--cache", type=Path, default=ROOT / ".bench_cache", help="folder that keeps scene graphs")
    parser.add_argument("--scratch", type=Path, help="folder for tables that are written and deleted again")
    parser.add_argument("--prepare", action="store_true", help="only make the scene graphs")
    parser.add_argument("--make-workers", type=int, default=2, help="processes that make scene graphs")
    parser.add_argument("--write", type=Path, help="Markdown file whose sections are replaced")
    return parser


if __name__ == "__main__":
    main()
