"""`provision`: the command line, for people and scripts."""

import math
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from provision_dagster import __version__, recipe_commands
from provision_dagster.errors import InputError, ProvisionError

if TYPE_CHECKING:
    from provision_dagster.image_sets.spec import ImageSetSpec

app = typer.Typer(
    name="provision",
    help="The data factory for visual instruction tuning: pictures in, checked training files out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(recipe_commands.app)
HELD_OUT_SEED = 1_000
"""Of the scenes that tiny models are measured on; they learn from seeds of 2**40 and more."""

console = Console()
errors = Console(stderr=True)


class Format(StrEnum):
    """Layouts of annotations."""

    visual_genome = "visual-genome"
    gqa = "gqa"
    coco = "coco"
    provision = "provision"


class Reader(StrEnum):
    """Ways to list pictures."""

    folder = "folder"
    file_list = "file_list"
    webdataset = "webdataset"
    annotations = "annotations"


class Mode(StrEnum):
    """How many candidates are kept."""

    sampled = "sampled"
    full = "full"


class Rules(StrEnum):
    """Which candidates are kept."""

    strict = "strict"
    paper = "paper"


class TinyPart(StrEnum):
    """Tiny models that can be trained."""

    all = "all"
    detections = "detections"
    masks = "masks"
    depth_maps = "depth_maps"
    clip = "clip"
    judge = "judge"


class Bars:
    """One progress bar per stage, on the terminal's error stream."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of a stage are done."""
        if stage not in self.tasks:
            self.tasks[stage] = self.progress.add_task(stage, total=total)
        self.progress.update(self.tasks[stage], completed=done, total=total)


@contextmanager
def bars() -> Iterator[Bars]:
    """Show progress bars while a long step runs."""
    columns = (TextColumn("{task.description:>16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors) as progress:
        yield Bars(progress)


def main() -> None:
    """Run the command line; errors that a user can mend are one message and exit code 2."""
    try:
        app()
    except ProvisionError as error:
        errors.print(f"error: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


def _version(wanted: bool) -> None:
    if wanted:
        console.print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Set what all commands share."""


Annotations = Annotated[Path, typer.Argument(help="File or folder in the format's official layout, plain or gzip.")]
Images = Annotated[Path | None, typer.Option(help="Folder of the pictures that the annotations name.")]
Depth = Annotated[Path | None, typer.Option(help="Folder of depth maps (larger = closer).")]
Masks = Annotated[Path | None, typer.Option(help="Folder of mask files.")]


@app.command()
def generate(
    annotations: Annotations,
    format: Annotated[Format, typer.Option(help="Layout of the annotations.")],
    out: Annotated[Path, typer.Option(help="Folder for qa/ (Delta), funnel.parquet, rejected.parquet, summary.json.")],
    images: Images = None,
    depth: Depth = None,
    masks: Masks = None,
    vocabulary: Annotated[
        Path | None,
        typer.Option(
            help="JSON with countable_labels, uncountable_labels and attribute_category; overrides the lexicon."
        ),
    ] = None,
    mode: Annotated[
        Mode, typer.Option(help="sampled draws --per-generator QA for each image, full keeps all.")
    ] = Mode.sampled,
    per_generator: Annotated[
        int,
        typer.Option(
            min=1, help="QA per generator and image in sampled mode; of multi-image QA on average, in both modes."
        ),
    ] = 1,
    images_per_question: Annotated[
        str, typer.Option(help="Numbers of images of multi-image QA, by commas, each 2 .. 4.")
    ] = "2,3,4",
    rules: Annotated[
        Rules, typer.Option(help="strict drops what a truth rule rejects, paper keeps the reference's candidates.")
    ] = Rules.strict,
    generators: Annotated[str, typer.Option(help="Names or families, separated by commas; default: all.")] = "",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rows.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the rows do not depend on it.")] = 1,
    shard_size: Annotated[int, typer.Option(min=10, max=20_000, help="Images per shard.")] = 500,
    lexicon: Annotated[Path | None, typer.Option(help="Folder of CSV files that extend the lexicon.")] = None,
    templates: Annotated[
        list[Path] | None, typer.Option(help="YAML file with further templates; may be repeated.")
    ] = None,
) -> None:
    """Make questions and answers from human annotations, without Dagster."""
    from provision_dagster.generators.generate import Settings
    from provision_dagster.pipeline import Request, generate_files

    spec = _annotated_spec(
        "generate", annotations, format=format, images=images, depth=depth, masks=masks, shard_size=shard_size
    )
    settings = Settings(
        rules=rules.value,
        mode=mode.value,
        per_generator=per_generator,
        images_per_question=_numbers(images_per_question),
        seed=seed,
    )
    request = Request(
        spec=spec,
        out=_folder(out),
        settings=settings,
        generators=tuple(name.strip() for name in generators.split(",") if name.strip()),
        vocabulary=vocabulary,
        lexicon=lexicon,
        templates=tuple(templates or ()),
    )
    with bars() as show:
        summary = generate_files(request, workers=workers, progress=lambda done, total: show("shards", done, total))
    _print_summary(summary, out=out)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InputError(f"`--images-per-question` must be numbers by commas, 2 .. 4, got {text!r}") from error


def _annotated_spec(name: str, annotations: Path, *, format: Format, **fields: Any) -> Any:
    from provision_dagster.image_sets.spec import parse_spec

    for option in ("images", "depth", "masks"):
        folder = fields.get(option)
        if folder is not None and not folder.is_dir():
            raise InputError(f"`--{option}` must be a folder, got `{folder}`")
    given = {k: v for k, v in fields.items() if v is not None}
    spec = {"name": name, "reader": "annotations", "annotations": annotations, "annotations_format": format.value}
    return parse_spec({**spec, **given}, source="command line")


def _folder(path: Path) -> Path:
    if path.exists() and not path.is_dir():
        raise InputError(f"`--out` must be a folder, got the file `{path}`")
    path.mkdir(parents=True, exist_ok=True)
    return path


def _print_summary(summary: dict[str, Any], *, out: Path) -> None:
    table = Table("generator", "QA", title=f"{summary['rows']} QA of {summary['images']} images")
    for name, count in summary["by_generator"].items():
        table.add_row(name, str(count))
    console.print(table)
    if summary["rejected"]:
        console.print(f"rejected parts of annotations (rejected.parquet): {summary['rejected']}", markup=False)
    console.print(f"{summary['seconds']} s, {summary['qa_per_second']} QA/s; written to {out}", markup=False)


@app.command()
def audit(
    qa: Annotated[Path, typer.Argument(help="Folder written by `generate`, or a Delta table or Parquet file of QAs.")],
    annotations: Annotated[Path, typer.Option(help="What the QAs were made from, as given to `generate`.")],
    format: Annotated[Format, typer.Option(help="Layout of the annotations.")],
    images: Images = None,
    depth: Depth = None,
    masks: Masks = None,
    vocabulary: Annotated[Path | None, typer.Option(help="As given to `generate`.")] = None,
    lexicon: Annotated[Path | None, typer.Option(help="As given to `generate`.")] = None,
    templates: Annotated[list[Path] | None, typer.Option(help="As given to `generate`; may be repeated.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the report does not depend on it.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder for audit.json and audit_findings.parquet; default: QA.")
    ] = None,
) -> None:
    """Check every QA against its scene graph, from the meaning of its text; exit 1 if any is wrong or ambiguous."""
    from provision_dagster.generators.audit.files import AuditRequest, audit_files
    from provision_dagster.generators.audit.table import figures, reasons

    if not qa.exists():
        raise InputError(f"`QA` must be a folder or file that exists, got `{qa}`")
    spec = _annotated_spec("audit", annotations, format=format, images=images, depth=depth, masks=masks)
    target = _folder(out or (qa if qa.is_dir() else qa.parent))
    request = AuditRequest(
        qa=qa, spec=spec, out=target, vocabulary=vocabulary, lexicon=lexicon, templates=tuple(templates or ())
    )
    with bars() as show:
        report = audit_files(request, workers=workers, progress=show)
    console.print(figures(report))
    if report.reasons:
        console.print(reasons(report))
    console.print(
        f"written: {target / 'audit.json'}, {target / 'audit_findings.parquet'}", markup=False, soft_wrap=True
    )
    if not report.is_right:
        raise typer.Exit(1)


@app.command()
def ingest(
    path: Annotated[
        Path, typer.Argument(help="Folder, file list, tar(s) or annotations; or a .yaml spec of an image set.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name of the image set: a-z, 0-9, _ and -. Default: of the spec or path.")
    ] = None,
    reader: Annotated[
        Reader | None, typer.Option(help="How to list pictures; default: by --format, else by the path.")
    ] = None,
    format: Annotated[Format | None, typer.Option(help="Layout, when PATH holds annotations.")] = None,
    images: Images = None,
    depth: Depth = None,
    masks: Masks = None,
    annotators: Annotated[
        Path | None, typer.Option(help="YAML file of the models that look at the pictures; default: none.")
    ] = None,
    safety: Annotated[
        Path | None, typer.Option(help="Table of labels and unsafe scores by image_key; default: nothing is known.")
    ] = None,
    license: Annotated[str | None, typer.Option(help="Licence of pictures that do not say their own.")] = None,
    attribution: Annotated[str | None, typer.Option(help="Attribution of pictures that do not say their own.")] = None,
    shard_size: Annotated[int, typer.Option(min=10, max=20_000, help="Pictures per shard.")] = 500,
) -> None:
    """Register an image set in Dagster: its shards become partitions, its pictures and annotations are listed."""
    from provision_dagster.ingest_command import read_set, saved_spec

    spec = read_set(
        path,
        name=name,
        reader=reader.value if reader else None,
        format=format.value if format else None,
        fields={
            "images": images,
            "depth": depth,
            "masks": masks,
            "annotators": annotators,
            "safety": safety,
            "license": license,
            "attribution": attribution,
            "shard_size": shard_size,
        },
    )
    with saved_spec(spec), bars() as show:
        _show_ingested(spec, show)


def _show_ingested(spec: "ImageSetSpec", show: Bars) -> None:
    from provision_dagster import runs
    from provision_dagster.defs.partitions import image_set_of
    from provision_dagster.ingest_command import check_readable, counts_of, safety_of

    name = spec.name
    with runs.instance() as opened:
        every = runs.register(store=opened, report=show)
        check_readable(name)
        shards = [s for s in every if image_set_of(s) == name]
        runs.ingest(shards, store=opened, report=show)
    table = Table("image set", "shards", "pictures", "objects", "attributes", "relations", "captions", "rejected")
    table.add_row(name, str(len(shards)), *(str(v) for v in counts_of(name, shards)))
    console.print(table)
    if spec.safety is not None:
        console.print(safety_of(spec, shards), markup=False, soft_wrap=True)


@app.command()
def annotate(
    pictures: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    annotators: Annotated[Path, typer.Option(help="YAML file of the models that look at the pictures.")],
    out: Annotated[Path, typer.Option(help="Folder for scene_graphs.json, depth_masks/ and shown/.")],
    show: Annotated[
        bool, typer.Option("--show", help="Draw boxes, labels, attributes, relations and depth: shown/.")
    ] = False,
) -> None:
    """Make scene graphs of pictures with models alone, without Dagster."""
    from provision_dagster.annotate_pictures import annotate_pictures
    from provision_dagster.scene_graphs.annotators.configs import load_annotators

    config = load_annotators(annotators)
    with bars() as bar:
        rows = annotate_pictures(pictures, config, out=_folder(out), show=show, progress=bar)
    table = Table("picture", "objects", "attributes", "relations", "depth", "problem")
    for picture, *numbers, depth, error in rows.iter_rows():
        table.add_row(escape(picture), *map(str, numbers), "yes" if depth else "no", escape(error or ""))
    console.print(table)
    console.print(f"written: {out / 'scene_graphs.json'}" + (f", {out / 'shown'}" if show else ""), markup=False)
    if rows["error"].null_count() == 0:
        raise typer.Exit(1)


@app.command()
def evaluate_annotator(
    annotators: Annotated[Path, typer.Argument(help="YAML file of annotators.")],
    annotations: Annotated[
        Path | None,
        typer.Argument(
            help="Annotations to compare with; default: the embedded photographs (objects, two depth maps)."
        ),
    ] = None,
    format: Annotated[Format | None, typer.Option(help="Layout of the annotations.")] = None,
    images: Images = None,
    depth: Depth = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for quality.json, tables and charts; default: print alone.")
    ] = None,
) -> None:
    """Measure models against annotated pictures: boxes, masks, depth, attributes and relations."""
    from provision_dagster.evaluate import evaluate, write_quality
    from provision_dagster.scene_graphs.annotators.configs import load_annotators
    from provision_dagster.scene_graphs.annotators.quality import NAMES

    config = load_annotators(annotators)
    with tempfile.TemporaryDirectory() as folder:
        spec = _to_compare_with(Path(folder), annotations, format=format, images=images, depth=depth)
        with bars() as show:
            measured = evaluate(spec, config, progress=show)
    table = Table("measure", "value", "of")
    for row in measured.quality.figures().filter(of="").iter_rows(named=True):
        table.add_row(NAMES[row["measure"]], f"{row['value']:.3f}", f"{row['count']:,}")
    for key, value, error in measured.depth.iter_rows() if measured.depth.height <= 10 else ():
        table.add_row(f"depth: Spearman, {key}", error or ("-" if value is None else f"{value:.3f}"))
    for row in measured.models.iter_rows(named=True):
        table.add_row(f"{row['table']}: {row['model']}", f"{row['images_per_second']} images/s, {row['failed']} failed")
    console.print(table)
    if out is not None:
        for file in write_quality(measured, out):
            console.print(f"written: {file}", markup=False, soft_wrap=True)


def _to_compare_with(
    folder: Path, annotations: Path | None, *, format: Format | None, images: Path | None, depth: Path | None
) -> Any:
    if annotations is not None:
        if format is None:
            raise InputError(f"--format is required with ANNOTATIONS; one of {', '.join(Format)}")
        return _annotated_spec("evaluate", annotations, format=format, images=images, depth=depth, masks=None)
    from provision_dagster.samples.photos import write_photo_sample

    path = write_photo_sample(folder)
    own = {"images": path.parent / "images", "depth": path.parent / "depth", "masks": None}
    return _annotated_spec("photographs", path, format=Format.provision, **own)


@app.command()
def calibrate(
    pairs: Annotated[
        Path,
        typer.Argument(
            help="CSV, Parquet or JSON lines: score and label; or image, box, expression and label, to be scored."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for calibration.json, thresholds.csv, precision_recall.png.")],
    precision: Annotated[
        float | None,
        typer.Option(help="Share of true pairs among those kept, 0 .. 1, to be reached; default: the best F1."),
    ] = None,
    recall: Annotated[
        float | None, typer.Option(help="Share of true pairs that is kept, 0 .. 1: the highest threshold that does.")
    ] = None,
    filters: Annotated[
        Path | None,
        typer.Option(help="YAML file whose `region_text` is the model that scores; default: PROVISION_FILTERS."),
    ] = None,
) -> None:
    """Choose the threshold of a score from labelled pairs: precision, recall, and what each threshold keeps."""
    from provision_dagster.filters.calibration import calibrate as choose
    from provision_dagster.filters.calibration import told_thresholds, write_calibration
    from provision_dagster.filters.labelled_pairs import read_pairs

    labelled = read_pairs(pairs)
    scored_here = "score" not in labelled.columns
    if scored_here:
        labelled = _scored(labelled, filters)
    found = choose(labelled, precision=precision, recall=recall)
    table = Table("wanted precision", "threshold", "kept", "precision", "recall", "F1")
    for wanted, threshold, kept, _, *shares in told_thresholds(found).iter_rows():
        known = [f"{threshold:.4f}", f"{kept:,}", *(f"{share:.3f}" for share in shares)] if kept else ["none"]
        table.add_row(f"{wanted:g}", *known)
    console.print(table)
    reached = recall if precision is None else precision
    by = "best F1" if reached is None else f"{found.by} {reached:g}"
    at = found.chosen
    console.print(
        f"{by}: threshold {at['threshold']:.4f}, precision {at['precision']:.3f}, recall {at['recall']:.3f}; "
        f"ROC AUC {found.auc:.3f} of {found.pairs:,} pairs, {found.true:,} true",
        markup=False,
        soft_wrap=True,
    )
    if scored_here:
        # rounded down: what scores the threshold is kept
        floor = math.floor(at["threshold"] * 1e4) / 1e4
        console.print(f"min_region_text_cosine: {floor:g}", markup=False)
        labelled.write_parquet(_folder(out) / "scored.parquet")
    for file in write_calibration(found, _folder(out)):
        console.print(f"written: {file}", markup=False, soft_wrap=True)


def _scored(labelled: Any, filters: Path | None) -> Any:
    """Score labelled regions with the configured model."""
    from provision_dagster.defs.resources import FoldersResource
    from provision_dagster.filters.config import load_filters
    from provision_dagster.filters.labelled_pairs import score_labelled

    path = filters or Path(FoldersResource().filter_settings)
    if filters is not None and not filters.is_file():
        raise InputError(f"`--filters` must be a file, got `{filters}`")
    config = load_filters(path).region_text
    if config is None:
        raise InputError(f"PAIRS has no `score`, and `{path}` has no `region_text`: name a model that scores")
    return score_labelled(labelled, config=config)


@app.command()
def sql(
    model: Annotated[str, typer.Argument(help="Name of a file of dbt_like_sql/, without .sql.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Show SQL, what it reads, where columns are from, and DuckDB's plan.")
    ] = False,
    shard: Annotated[str | None, typer.Option(help="Shard to run it on; default: the first.")] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows to show at most.")] = 20,
) -> None:
    """Run a model of the SQL on a shard and show its rows; with --explain: how it works."""
    from provision_dagster.defs.resources import FoldersResource
    from provision_dagster.filter_commands import print_explained, print_frame
    from provision_dagster.filters.models import TESTS
    from provision_dagster.storage.store import Store
    from provision_dagster.stored_sql import explain_model, find_model, run_model, shard_sources

    stored = find_model(model).layer == TESTS
    config, store = FoldersResource().filters(), Store.from_env()
    store.create_all()
    chosen = shard or next(iter(store.partitions("images")), None)
    sources = shard_sources(store, chosen, config=config, marts=stored)
    if explain:
        print_explained(console, explain_model(model, sources, config=config))
        return
    where = f"the first {rows} rows on {chosen}" if chosen else "there are no shards yet"
    console.print(f"{model}: {where}", markup=False, soft_wrap=True)
    print_frame(console, run_model(model, sources, config=config, rows=rows))


@app.command()
def why(
    qa_id: Annotated[str, typer.Argument(help="Id of a question, or its first digits.")],
) -> None:
    """Tell the story of a question: picture, evidence, generator, scores, the verdict of each rule, mixes."""
    from provision_dagster.defs.resources import FoldersResource
    from provision_dagster.filter_commands import print_story
    from provision_dagster.storage.store import Store
    from provision_dagster.why import why as story_of

    store = Store.from_env()
    store.create_all()
    print_story(console, story_of(qa_id, store=store, config=FoldersResource().filters()))


@app.command()
def materialize(
    image_set: Annotated[list[str] | None, typer.Option(help="Image set; may be repeated. Default: all.")] = None,
    shard: Annotated[
        list[str] | None, typer.Option(help="Shard; may be repeated. Default: all of the image sets.")
    ] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="Recipe to build; may be repeated. Default: all that are not built on request."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that make shards.")] = 1,
) -> None:
    """Make everything from pictures to exported mixes, as runs of the Dagster instance."""
    from provision_dagster import runs

    with bars() as show, runs.instance() as opened:
        shards = _chosen_shards(runs.all_shards(opened), image_sets=image_set or [], shards=shard or [])
        runs.materialize(shards, recipes=recipe, workers=workers, store=opened, report=show)
    _print_tables(shards)


def _chosen_shards(known: list[str], *, image_sets: list[str], shards: list[str]) -> list[str]:
    from provision_dagster.defs.partitions import image_set_of

    if not known:
        raise InputError("no shard is registered: run `provision ingest` first")
    sets = sorted({image_set_of(s) for s in known})
    for what, asked, allowed in (("image set", image_sets, sets), ("shard", shards, known)):
        unknown = sorted(set(asked) - set(allowed))
        if unknown:
            raise InputError(f"unknown {what} {', '.join(unknown)}; registered: {', '.join(allowed)}")
    if shards:
        return [s for s in known if s in shards]
    return [s for s in known if not image_sets or image_set_of(s) in image_sets]


@app.command()
def verify(
    mix: Annotated[str, typer.Argument(metavar="MIX", help="Name of an exported mix, or the folder of its files.")],
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Build it again from the versions of tables it names; compare every byte.")
    ] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that read files; default: at most 2.")] = None,
) -> None:
    """Check an exported mix: checksums, that every row parses, numbers of rows. Exit code 1 if anything is wrong."""
    from provision_dagster.mixes.verify import verify_export, verify_rebuild

    folder = _exported(mix)
    found = verify_export(folder, workers=workers or min(2, os.cpu_count() or 1))
    table = Table("file", "bytes", "rows", "")
    for file in found.files:
        rows = "" if file.rows is None else f"{file.rows:,}"
        table.add_row(escape(file.name), f"{file.bytes:,}", rows, escape(file.problem) or "right")
    console.print(table)
    problems = list(found.problems)
    if rebuild and found.passed:
        from provision_dagster.storage.store import Store

        problems += verify_rebuild(folder, store=Store.from_env())
        if not problems:
            console.print("built again from its tables, every byte is the same")
    for problem in problems:
        errors.print(problem, markup=False, highlight=False, soft_wrap=True)
    if problems or not found.passed:
        raise typer.Exit(1)


def _exported(mix: str) -> Path:
    """Folder of an exported mix, by its name or path."""
    from provision_dagster.defs.resources import FoldersResource

    exports = Path(FoldersResource().exports)
    folder = next((path for path in (exports / mix, Path(mix)) if (path / "manifest.json").is_file()), None)
    if folder is None:
        known = sorted(path.parent.name for path in exports.glob("*/manifest.json"))
        raise InputError(f"no exported mix `{mix}`; in `{exports}` there are: {', '.join(known) or 'none'}")
    return folder


@app.command()
def render(
    out: Annotated[
        Path, typer.Option(help="Folder for images/, depth_masks/ and scene_graphs.json; empty or rendered before.")
    ],
    n: Annotated[int, typer.Option("--n", min=1, help="Scenes.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Scene i depends on (seed, i) alone.")] = 0,
    width: Annotated[int, typer.Option(help="Pixels.")] = 640,
    height: Annotated[int, typer.Option(help="Pixels.")] = 480,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Render scenes with exact truth: boxes, masks, depth, attributes and relations."""
    from provision_dagster.samples.rendering import render_scenes

    with bars() as show:
        path = render_scenes(
            out,
            n=n,
            seed=seed,
            width=width,
            height=height,
            workers=workers,
            progress=lambda done, total: show("scenes", done, total),
        )
    console.print(f"{n} scenes: {path}", markup=False)


@app.command()
def train_tiny(
    out: Annotated[
        Path, typer.Argument(help="Folder for ONNX files, labels.txt and annotators.yaml, tiny_clip/ and tiny_judge/.")
    ],
    part: Annotated[TinyPart, typer.Option(help="What to train.")] = TinyPart.all,
    scenes: Annotated[int | None, typer.Option(min=1, help="Rendered scenes to learn from; default: by part.")] = None,
    passes: Annotated[int | None, typer.Option(min=1, help="How often each is seen; default: by part.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same weights on one machine.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = 1,
    held_out: Annotated[int, typer.Option(min=1, help="Other scenes that the models are then measured on.")] = 200,
) -> None:
    """Train tiny models on rendered scenes, on a processor in minutes, and measure them on others.

    Annotators: detections, masks, depth_maps. Filters: clip (expressions of regions) and judge (answers to questions).
    """
    from provision_dagster.training.train import FOLDERS, PARTS, train_tiny

    parts = tuple(name for name in PARTS if part.value in ("all", name))
    with bars() as show:
        trained = train_tiny(
            _folder(out), parts=parts, scenes=scenes, passes=passes, seed=seed, threads=threads, progress=show
        )
        measured = (
            None if set(parts) <= set(FOLDERS) else _on_held_out(out / "annotators.yaml", scenes=held_out, show=show)
        )
    table = Table("model", "weights", "KB", "steps", "loss at first", "loss at last")
    for one in trained:
        size = f"{one.file.stat().st_size / 1000:.0f}"
        table.add_row(one.part, str(one.weights), size, str(one.steps), f"{one.first:.3f}", f"{one.last:.3f}")
    console.print(table)
    if measured is not None:
        _print_measured(measured)
    for name in parts:
        if name in FOLDERS:
            _print_separation(out, name, scenes=held_out)
    console.print(f"on {held_out} scenes that they have not seen; written to {out}", markup=False, soft_wrap=True)


def _print_measured(measured: Any) -> None:
    if measured.detections is not None:
        console.print(f"boxes: AP {measured.detections.ap:.3f}, AP50 {measured.detections.ap50:.3f}")
    if measured.quality.masks is not None:
        console.print(f"masks: IoU {measured.quality.masks.mean:.3f}")
    if measured.spearman is not None:
        console.print(f"depth: Spearman {measured.spearman:.3f}")


def _print_separation(out: Path, part: str, *, scenes: int) -> None:
    """Print and plot how well a model for a filter tells true from corrupted."""
    from provision_dagster.training.held_out import by_kind, chart_of, clip_scores, judge_scores

    what, title, score = {
        "clip": ("expressions", "Expressions of objects: true, or one word wrong", clip_scores),
        "judge": ("answers", "Answers to questions: true, or another option", judge_scores),
    }[part]
    scores = score(out / f"tiny_{part}", scenes=scenes, seed=HELD_OUT_SEED)
    (out / f"roc_{part}.png").write_bytes(chart_of(scores, title=title))
    areas = by_kind(scores)
    kinds = ", ".join(f"{name} {area:.3f}" for name, area in areas.items() if name != "all")
    console.print(f"{what}: ROC AUC {areas['all']:.3f} ({kinds})", markup=False, soft_wrap=True)


def _on_held_out(annotators: Path, *, scenes: int, show: Bars) -> Any:
    """Measure annotators on scenes of a seed that nothing is trained with."""
    from provision_dagster.evaluate import evaluate
    from provision_dagster.samples.rendering import render_scenes
    from provision_dagster.scene_graphs.annotators.configs import load_annotators

    with tempfile.TemporaryDirectory() as folder:
        path = render_scenes(Path(folder), n=scenes, seed=HELD_OUT_SEED)
        own = {"images": path.parent / "images", "depth": path.parent / "depth_masks"}
        spec = _annotated_spec("held-out", path, format=Format.provision, **own)
        return evaluate(spec, load_annotators(annotators), progress=show)


@app.command()
def demo(
    scenes: Annotated[int, typer.Option(min=20, help="Rendered scenes beside the photographs.")] = 80,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that make shards; default: one per processor, at most 4.")
    ] = None,
) -> None:
    """Take the embedded sample (photographs and rendered scenes) from pictures to an exported, checked mix."""
    from provision_dagster.demo import run_demo

    with bars() as show:
        shards = run_demo(scenes=scenes, workers=workers or min(4, os.cpu_count() or 1), report=show)
    _print_tables(shards)
    console.print("Look at it in Dagster's UI: make ui (assets, partitions, checks, lineage)")


@app.command()
def faults(
    out: Annotated[Path, typer.Argument(help="Empty folder: gets a project of its own, faults.md and faults.json.")],
    scenes: Annotated[int, typer.Option(min=10, help="Rendered scenes whose questions get faults.")] = 200,
    calibration: Annotated[int, typer.Option(min=10, help="Other scenes, on which thresholds are chosen.")] = 100,
    share: Annotated[float, typer.Option(min=0.01, max=0.2, help="Of the questions that a fault can befall.")] = 0.1,
    recall: Annotated[float, typer.Option(min=0.5, max=1, help="Share of true questions that thresholds keep.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Of scenes and faults.")] = 0,
    shard_size: Annotated[int, typer.Option(min=10, help="Scenes per shard.")] = 50,
    judge: Annotated[
        Path | None, typer.Option(help="YAML file of filters whose `judge` is asked too; default: none is.")
    ] = None,
) -> None:
    """Put faults into questions about rendered scenes, filter them, and count what is caught, missed and lost.

    Exit code 1 if a fault is not caught by the rule or check that must find it, or more is lost than thresholds allow.
    """
    from provision_dagster.fault_report import FAULTS, LOSSES, Order, fault_cells, loss_cells, remarks, write_report
    from provision_dagster.faults import run_faults

    order = Order(scenes=scenes, calibration=calibration, share=share, recall=recall, seed=seed, shard_size=shard_size)
    with bars() as show:
        found = run_faults(out, order=order, report=show, judge=_judge(judge))
    for head, rows in ((FAULTS, map(fault_cells, found.caught)), (LOSSES, map(loss_cells, found.lost))):
        table = Table(*head)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for line in remarks(found):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for file in write_report(found, out):
        console.print(f"written: {file}", markup=False, soft_wrap=True)
    if not found.passed:
        raise typer.Exit(1)


def _judge(filters: Path | None) -> Any:
    """Read the judge of a file of filters."""
    from provision_dagster.filters.config import load_filters

    if filters is None:
        return None
    if not filters.is_file():
        raise InputError(f"`--judge` must be a file, got `{filters}`")
    found = load_filters(filters).judge
    if found is None:
        raise InputError(f"`{filters}` has no `judge`")
    return found


@app.command()
def home() -> None:
    """Make the folder of the Dagster instance (DAGSTER_HOME, default .dagster_home) and print it."""
    from provision_dagster import runs

    console.print(str(runs.prepare_home()), markup=False, soft_wrap=True)


def _print_tables(shards: list[str]) -> None:
    from provision_dagster.report import exported_files, table_rows

    table = Table("asset", "partitions", "rows", "keep rate", "checks")
    for row in table_rows(shards):
        table.add_row(*row)
    console.print(table)
    for path in exported_files():
        console.print(f"  {path}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
