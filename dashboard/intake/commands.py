"""The commands `dashboard demo` and `dashboard import`."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dashboard.commands.state import on_record
from dashboard.intake.contract import DeliveryError
from dashboard.intake.demo_sites import MOST
from dashboard.interruption import brought_to_its_end
from dashboard.settings import Settings
from dashboard.terminal import plain, shown

if TYPE_CHECKING:
    from dashboard.intake.attempts import Watched
    from dashboard.intake.publish import Rules
    from dashboard.intake.report import ImportReport
    from dashboard.spark.engine import SparkBuild

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
#: So many steps that begin alike have a line each.
_MANY_STEPS = 50
Progress = Callable[[str, float], None]


@click.command()
@click.argument("directory", metavar="DIR", type=_FOLDER)
@click.option("--years", default=2, show_default=True, type=click.IntRange(1, 20), help="Years of history.")
@click.option(
    "--bookings", default=60_000, show_default=True, type=click.IntRange(100, 20_000_000),
    help="Bookings of all sites together.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), help="Another seed, other data.")
@click.option(
    "--fhir", is_flag=True, help="FHIR R4 resources (NDJSON) instead of CSV files, without the faulty rows."
)
@click.option("--sites", type=click.IntRange(1, MOST), help="A group of so many sites, and their reference table.")
def demo(directory: Path, years: int, bookings: int, seed: int | None, fhir: bool, sites: int | None) -> None:
    """Write a demo delivery to DIR: made-up CSV files as a clinic would hand them over.

    The same options give the same bytes. docs/demo.md says what is planted in the data.

    With --sites the folder has a folder `reference` for `dashboard import --reference`.

    Example: dashboard demo data/deliveries/demo --bookings 100000
    """
    from dashboard.intake.demo import SEED, write_delivery

    with _errors(), _progress("Writing") as tell:
        write_delivery(directory, years, bookings, SEED if seed is None else seed, tell, fhir=fhir, sites=sites)
    further = f" --reference {directory / 'reference'}" if sites else ""
    click.echo(f"wrote the demo delivery to {directory}; next: dashboard import {directory}{further}")


@click.command(name="import")
@click.argument("directory", metavar="DIR", type=_FOLDER)
@click.option(
    "--reference",
    metavar="DIR",
    type=_FOLDER,
    help="Folder with own sites.csv, services.csv, effects.csv, age_bands.csv or closures.csv.",
)
@click.option(
    "--mapping",
    metavar="FILE.toml",
    type=_FILE,
    help="What the tables are made of, where the files are another system's.",
)
@click.option("--dry-run", is_flag=True, help="Read, check and report, and publish nothing.")
@click.option("--add", is_flag=True, help="DIR holds what is new or changed: add it to the extract in use.")
@click.option("--accept-drop", is_flag=True, help="Publish also where far fewer rows are left than before.")
@click.option("--report", metavar="FILE.json", type=_FILE, help="Write the report for programs, too.")
@click.option("--rejects", metavar="DIR", type=_FOLDER, help="Write the rejected lines as delivered, to be mended.")
@click.option("--watch", is_flag=True, help="DIR is an inbox: import each delivery in it when it is complete.")
@click.option("--once", is_flag=True, help="With --watch: import what is complete now, and end.")
@click.option(
    "--quiet",
    default=300.0,
    show_default=True,
    type=click.FloatRange(min=0),
    help="With --watch: seconds without change after which a delivery without marker is complete.",
)
@click.option("--data", metavar="DIR", type=_FOLDER, help="Data folder instead of the one in DASHBOARD_DATA.")
@click.option(
    "--engine",
    default="duckdb",
    show_default=True,
    type=click.Choice(["duckdb", "spark"]),
    help="What builds the cubes. With spark the facts are Parquet files; docs/spark.md says when that is worth it.",
)
@click.option("--spark", metavar="sc://HOST:PORT", help="Spark Connect server.  [default: DASHBOARD_SPARK]")
def import_command(
    directory: Path,
    reference: Path | None,
    mapping: Path | None,
    dry_run: bool,
    add: bool,
    accept_drop: bool,
    report: Path | None,
    rejects: Path | None,
    watch: bool,
    once: bool,
    quiet: float,
    data: Path | None,
    engine: str,
    spark: str | None,
) -> None:
    """Import the delivery in DIR and make it the extract in use.

    DIR holds bookings.csv, side_effects.csv and, if there are any, payments.csv and scores.csv,
    as data/README.md describes; or FHIR R4 resources, as docs/fhir.md describes. With --mapping it
    holds the files of another system, as docs/mapping.md describes. Rows that cannot be used are
    kept apart with file, line, column and reason. Where the delivery as a whole is refused, the
    extract in use stays; likewise where a table or site has lost more than DASHBOARD_DROP_SHARE
    percent of its rows.

    With --add DIR holds only rows that are new or changed since the extract in use was delivered, in
    the same tables, of which any may be missing. A row takes the place of the one with its id; all
    others stay. The result is the extract that all rows in one delivery would give.

    With --watch each sub-folder of DIR is a delivery. It is complete when it holds a file named
    _SUCCESS or complete, or has not changed for a while. Each is imported once, in order of name;
    with --add a delivery that fails holds up those after it.

    Exit codes: 0 published (after a dry run: it would be), 1 refused, 2 wrong usage. With --watch
    --once: 1 if any was refused.

    \b
    Example: dashboard import data/deliveries/demo
             dashboard import exports --mapping clinic.toml --dry-run
             dashboard import delivery --report report.json --rejects to-mend
             dashboard import today --add
             dashboard import inbox --watch --once
             dashboard import delivery --engine spark --spark sc://spark.internal:15002
    """
    from dashboard.intake.publish import Rules

    clashes = {
        "--once goes with --watch.": once and not watch,
        "--report and --rejects are of one delivery and don't go with --watch.": watch and (report or rejects),
        "--dry-run is of one delivery and doesn't go with --watch.": watch and dry_run,
        "--spark goes with --engine spark.": spark and engine != "spark",
        "--add is done by DuckDB and doesn't go with --engine spark.": add and engine == "spark",
    }
    for told, clash in clashes.items():
        if clash:
            raise click.UsageError(told)
    with _errors():
        settings = Settings.from_environment()
        settings = replace(settings, data=data or settings.data)
        rules = Rules.of(settings, accept_drop=accept_drop)
        run = _Import(settings, rules, reference, mapping, rejects, engine, spark, dry_run=dry_run, add=add)
        if watch:
            sys.exit(_watch(directory, run, quiet, once=once))
        _require_place(report)
        with brought_to_its_end():
            with _reported(report):
                done = run(directory)
            for line in done.lines():
                click.echo(plain(line))
            _write_report(report, done.as_json())


@dataclass(frozen=True)
class _Import:
    """How each delivery is imported, as the command's options say."""

    settings: Settings
    rules: Rules
    reference: Path | None
    mapping: Path | None
    rejects: Path | None
    engine: str
    spark: str | None
    dry_run: bool
    add: bool

    def __call__(self, delivery: Path, watched: Watched | None = None) -> ImportReport:
        """Import a delivery, on record unless it is a dry run, which changes nothing."""
        from dashboard.intake.publish import import_delivery

        unrecorded: dict[str, object] = {}
        record: contextlib.AbstractContextManager[dict[str, object]] = contextlib.nullcontext(unrecorded)
        if not self.dry_run:
            record = on_record(self.settings, "import", delivery.name)
        building = _building(self.engine, self.spark, self.settings)
        with record as outcome, building as built_by, _progress("Importing") as tell:
            published = import_delivery(
                delivery,
                self.settings.data,
                reference=self.reference,
                mapping=self.mapping,
                dry_run=self.dry_run,
                progress=tell,
                rules=self.rules,
                rejects=self.rejects,
                watched=watched,
                spark=built_by,
                add=self.add,
            )
            outcome.update(extract=published.name, read=published.rows_read)
            outcome.update(accepted=published.rows_accepted, rejected=published.rows_rejected)
            outcome.update(left_out=published.rows_left_out)
        return published

    def circumstances(self) -> str:
        """A digest of what else decides over a delivery."""
        from dashboard.intake.circumstances import digest_of

        return digest_of(self.settings.data, self.rules, self.reference, self.mapping, add=self.add)


@contextlib.contextmanager
def _building(engine: str, address: str | None, settings: Settings) -> Iterator[SparkBuild | None]:
    """Spark's part of an import, None where DuckDB does it all."""
    if engine != "spark":
        yield None
        return
    from dashboard.spark.session import SparkError, require_extra

    require_extra()
    if not (address := address or settings.spark):
        raise SparkError(
            "--engine spark needs the address of a Spark Connect server: --spark sc://host:15002, or DASHBOARD_SPARK"
        )
    from dashboard.spark.engine import SparkBuild

    with SparkBuild(address, settings.facts) as build:
        yield build


def _watch(inbox: Path, run: _Import, quiet: float, *, once: bool) -> int:
    """Import what is there; without `once` go on until stopped. The exit code."""
    from dashboard.intake.watch import Watch

    handler = logging.StreamHandler()
    handler.setFormatter(_PlainFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("dashboard.import").setLevel(logging.INFO)
    watch = Watch(inbox, run.settings.data, brought_to_its_end()(run), run.circumstances, quiet, in_turn=run.add)
    # What is wrong with the inbox at the first look is more likely a wrong path.
    published, failed, known = watch.look()
    if once:
        click.echo(f"{published} published, {failed} not published, {known} known from before")
        return 1 if failed else 0
    watch.go_on()
    return 0


@contextlib.contextmanager
def _reported(file: Path | None) -> Iterator[None]:
    """A refusal goes into the report as well."""
    from dashboard.intake.report import refusal

    try:
        yield
    except DeliveryError as error:
        _write_report(file, refusal(error))
        raise


def _require_place(file: Path | None) -> None:
    """Refuse before anything is done where the report can't be written."""
    if file is not None and not file.parent.is_dir():
        raise click.ClickException(f"the report {file} cannot be written: there is no folder {file.parent}")
    if file is not None and not os.access(file if file.exists() else file.parent, os.W_OK):
        raise click.ClickException(f"the report {file} cannot be written; check who may write there")


def _write_report(file: Path | None, content: dict[str, Any]) -> None:
    if file is None:
        return
    try:
        file.write_text(json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    except OSError as error:
        came = f"{content['result']}, {content.get('extract') or content['message']}"
        raise click.ClickException(
            f"the report {file} cannot be written ({error.strerror}). What came of the import: {came}"
        ) from error


@click.group()
def mapping() -> None:
    """Mappings: what the tables are made of, where the files are another system's.

    Example: dashboard mapping draft exports -o clinic.toml
    """


@mapping.command()
@click.argument("directory", metavar="DIR", type=_FOLDER)
@click.option("--output", "-o", metavar="FILE.toml", type=_FILE, help="Where to write it, instead of the terminal.")
@click.option("--reference", metavar="DIR", type=_FOLDER, help="Folder with own sites.csv or services.csv.")
def draft(directory: Path, output: Path | None, reference: Path | None) -> None:
    """Draft a mapping for the files in DIR, from their headers and a sample of their values.

    Every guess is marked as one, with what is left to decide. A file that exists is not overwritten.

    Example: dashboard mapping draft exports -o clinic.toml
    """
    from dashboard.intake.drafting.draft import draft_mapping
    from dashboard.intake.reference import load_reference

    with _errors():
        text = draft_mapping(directory, load_reference(reference))
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        with output.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written ({error.strerror}); give another name") from error
    click.echo(
        f"wrote {output}; settle the lines marked DECIDE, then: "
        f"dashboard import {directory} --mapping {output} --dry-run"
    )


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Refusals and wrong settings as one message and exit code 1."""
    try:
        yield
    except (DeliveryError, ValueError) as error:
        raise click.ClickException(str(error)) from error


class _PlainFormatter(logging.Formatter):
    """Lines of a log that a terminal doesn't obey; what goes on in another line is no entry of its own."""

    def format(self, record: logging.LogRecord) -> str:
        return shown(super().format(record))


@contextlib.contextmanager
def _progress(label: str) -> Iterator[Progress]:
    """A bar on a terminal, else a line for each step, on the error stream."""
    if not sys.stderr.isatty():
        yield step_lines()
        return
    with click.progressbar(length=1000, label=label, file=sys.stderr, item_show_func=lambda step: step or "") as bar:

        def advance(step: str, share: float) -> None:
            bar.update(max(round(share * 1000) - bar.pos, 0), step)

        yield advance


def step_lines() -> Progress:
    """A line for each step on the error stream, once, however often its share is told; of many one a percent."""
    # Files are checked side by side, so that their steps come in turns.
    told: set[str] = set()
    alike: Counter[str] = Counter()
    last: dict[str, str] = {}

    def tell(step: str, share: float) -> None:
        if step in told:
            return
        told.add(step)
        percent, what = f"{share:4.0%}", step.partition(" ")[0]
        alike[what] += 1
        if alike[what] > _MANY_STEPS and last[what] == percent:
            return
        last[what] = percent
        click.echo(f"{percent}  {plain(step)}", err=True)

    return tell
