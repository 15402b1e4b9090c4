"""Make docs/audit_results.md: strict questions of every source, each judged by the independent checker.

    python docs/make_audit.py --shared ../shared --synthetic 4000 --rendered 1000 --workers 2

Sources: synthetic scene graphs (`bench/make_scene_graphs.py` of the shared folder, some with masks and depth), rendered
scenes, and the real annotations of the shared folder. Without that folder only rendered scenes are looked at.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provision_dagster.generators.audit.files import AuditRequest, audit_files
from provision_dagster.generators.audit.report import AuditReport
from provision_dagster.generators.audit.verdict import KINDS
from provision_dagster.generators.generate import Settings
from provision_dagster.image_sets.spec import ImageSetSpec, parse_spec
from provision_dagster.pipeline import Request, generate_files
from provision_dagster.samples.rendering import render_scenes

PAGE = Path(__file__).with_name("audit_results.md")
NAMES = {
    "synthetic": "synthetic graphs",
    "synthetic_masked": "synthetic graphs with masks and depth",
    "synthetic_counts": "more synthetic graphs, counting alone",
    "rendered": "rendered scenes",
    "visual_genome": "Visual Genome",
    "gqa": "GQA",
    "coco": "COCO",
    "baseball": "ProVision's own example",
}


ASKED = {"synthetic_counts": ("ExistsAttribute", "ExistsObject")}
"""Generators by source, where not all: most counts are 1, so few of these questions keep options (T4)."""

MORE = 12
"""Times as many graphs for these."""


def annotated(name: str, annotations: Path, *, format: str, **folders: Path | None) -> ImageSetSpec:
    """Describe a source that is read from annotations."""
    fields = {k: v for k, v in folders.items() if v is not None and v.is_dir()}
    spec = {"name": name, "reader": "annotations", "annotations": annotations, "annotations_format": format}
    return parse_spec({**spec, **fields, "shard_size": 500}, source="docs/make_audit.py")


def synthetic(shared: Path, folder: Path, *, images: int, masks: int, name: str, seed: int) -> ImageSetSpec:
    """Make synthetic scene graphs."""
    script = shared / "bench" / "make_scene_graphs.py"
    sizes = ["--n", str(images), "--n-masks", str(masks), "--seed", str(seed)]
    subprocess.run([sys.executable, script, *sizes, "--out", folder], check=True, stdout=subprocess.DEVNULL)
    graphs = folder / f"scene_graphs_{images}.json"
    found = {"depth": folder / "depth", "masks": folder / "masks"} if masks else {}
    return annotated(name, graphs, format="provision", **found)


def sources(args: argparse.Namespace, folder: Path) -> dict[str, Callable[[], ImageSetSpec]]:
    """Name every source, with what makes it."""

    def rendered() -> ImageSetSpec:
        scenes = render_scenes(folder / "rendered", n=args.rendered, seed=1, workers=args.workers)
        own = scenes.parent
        return annotated("rendered", scenes, format="provision", images=own / "images", depth=own / "depth_masks")

    if args.shared is None:
        return {"rendered": rendered}
    data, plain, masked = args.shared / "data", args.synthetic, args.masked
    coco, ball = data / "coco", data / "provision_baseball"
    parts = {"images": ball / "images", "depth": ball / "depth_masks", "masks": ball / "seg_masks"}
    return {
        "synthetic": lambda: synthetic(args.shared, folder / "s", images=plain, masks=0, name="synthetic", seed=7),
        "synthetic_masked": lambda: synthetic(
            args.shared, folder / "m", images=masked, masks=masked, name="synthetic_masked", seed=8
        ),
        "synthetic_counts": lambda: synthetic(
            args.shared, folder / "c", images=MORE * plain, masks=0, name="synthetic_counts", seed=9
        ),
        "rendered": rendered,
        "visual_genome": lambda: annotated("visual_genome", data / "visual_genome", format="visual-genome"),
        "gqa": lambda: annotated("gqa", data / "gqa", format="gqa"),
        "coco": lambda: annotated("coco", coco, format="coco", images=coco / "images"),
        "baseball": lambda: annotated("baseball", ball, format="provision", **parts),
    }


def how(name: str) -> Settings:
    """Return how a source is asked: all of it, but for rendered scenes, whose 120 relations each make millions."""
    return Settings(mode="sampled", per_generator=20) if name == "rendered" else Settings(mode="full")


def audit(spec: ImageSetSpec, settings: Settings, *, folder: Path, workers: int) -> tuple[AuditReport, dict[str, Any]]:
    """Generate and judge one source."""
    out = folder / f"qa_{spec.name}"
    request = Request(spec=spec, out=out, settings=settings, generators=ASKED.get(spec.name, ()))
    summary = generate_files(request, workers=workers)
    begin = time.perf_counter()
    report = audit_files(AuditRequest(qa=out, spec=spec, out=out), workers=workers)
    seconds = time.perf_counter() - begin
    print(f"{spec.name}: {summary['rows']} questions in {summary['seconds']:.0f} s, audited in {seconds:.0f} s")
    for (generator, kind, reason), count in sorted(report.reasons.items()):
        print(f"  {generator}: {kind}, {reason}: {count}")
    return report, summary


def page(reports: dict[str, AuditReport], summaries: dict[str, dict[str, Any]], *, command: str) -> str:
    """Write the page."""
    whole = AuditReport()
    for report in reports.values():
        whole.merge(report)
    found = whole.to_dict()
    totals = found["totals"]
    counts = ", ".join(f"{totals[str(kind)]} {kind}" for kind in KINDS)
    lines = [
        "# What the independent checker finds",
        "",
        f"Made by `{command}`. The checker (`provision audit`,",
        "`provision_dagster/generators/audit/`) shares no code with the generators: it reads the text of a question,",
        "looks at the scene graph, and decides. Strict rules; both forms of a question.",
        "",
        f"**{totals['checked']:,} questions: {counts}.**",
        "",
        "| source | images | questions | wrong | ambiguous | leaking | ungrammatical | multiple choice |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, report in reports.items():
        part = report.to_dict()["totals"]
        faults = " | ".join(str(part[str(kind)]) for kind in KINDS)
        images = f"{summaries[name]['scene_graphs']:,}"
        lines.append(f"| {NAMES[name]} | {images} | {part['checked']:,} | {faults} | {part['choice_rows']:,} |")
    lines += [
        "",
        "Blind accuracy (T4): the best of several solvers that see the texts of question and options alone, learned on",
        "half of the images and tested on the other half; ± is the 95 % margin, which says more than the figure where",
        "rows are few: nearly all counts of things with a given attribute are 1, so hardly any keeps options that",
        "do not tell it.",
        "",
        "| generator | QA | wrong | ambiguous | leaking | ungrammatical | choice | blind % | chance % | solver |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in found["generators"].items():
        faults = " | ".join(str(row[str(kind)]) for kind in KINDS)
        blind = "- | - | -"
        if row["choice_rows"]:
            accuracy = f"{100 * row['blind_accuracy']:.1f} ± {100 * row['blind_margin']:.1f}"
            blind = f"{accuracy} | {100 * row['chance']:.1f} | {row['blind_solver']}"
        lines.append(f"| {name} | {row['checked']:,} | {faults} | {row['choice_rows']:,} | {blind} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run all sources and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, help="folder with bench/ and data/")
    parser.add_argument("--synthetic", type=int, default=4000, help="synthetic graphs without masks")
    parser.add_argument("--masked", type=int, default=200, help="synthetic graphs with masks and depth")
    parser.add_argument("--rendered", type=int, default=1000, help="rendered scenes")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", nargs="*", help="names of sources")
    args = parser.parse_args()
    reports, summaries = {}, {}
    with tempfile.TemporaryDirectory(prefix="provision_audit_page_") as folder:
        for name, make in sources(args, Path(folder)).items():
            if not args.only or name in args.only:
                reports[name], summaries[name] = audit(make(), how(name), folder=Path(folder), workers=args.workers)
    shared = "--shared ../shared " if args.shared else ""
    sizes = f"--synthetic {args.synthetic} --masked {args.masked} --rendered {args.rendered}"
    text = page(reports, summaries, command=f"python docs/make_audit.py {shared}{sizes}")
    if args.only:
        print(text)
        return
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
