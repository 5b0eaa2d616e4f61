"""The commands `dashboard extracts`: which extracts are kept, which is in use, going back, clearing up."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from dashboard.commands.state import on_record
from dashboard.intake import pointer
from dashboard.intake.contract import other_schema
from dashboard.terminal import settings_in_force


@click.group()
def extracts() -> None:
    """The last extracts: see them, go back to one, remove old ones.

    \b
    Example:
        dashboard extracts list
        dashboard extracts use extract-20260105T090000000Z-0123456789ab
    """


@extracts.command("list")
def list_command() -> None:
    """List the extracts, newest first: built, rows, kind of data, whether intact and in use.

    Every byte is read to tell whether an extract is intact.

    \b
    Example:
        dashboard extracts list
    """
    folder = _folder()
    in_use = _in_use(folder)
    found = pointer.newest_first(folder)
    known = {one.name: one for one in pointer.published(folder)}
    for path in found:
        one = known.get(path.name) or (in_use if in_use and in_use.name == path.name else None)
        state = "intact" if one and _is_intact(one) else "damaged" if one else "unknown: it has no card"
        mark = "in use" if in_use and in_use.name == path.name else ""
        click.echo(f"{path.stem:<48}{_facts(path):<50}{state:<10}{mark}".rstrip())
        if (version := schema_version(path)) is not None and (other := other_schema(version)):
            click.echo(f"    {other}")
    if not found:
        click.echo("There are no extracts yet. Make one: dashboard import DIR", err=True)


@extracts.command("use")
@click.argument("name")
def use_command(name: str) -> None:
    """Put the extract NAME in use; open pages follow at their next run.

    It is checked byte for byte before. The extract in use until then stays and can be put in use
    again in the same way.

    \b
    Example:
        dashboard extracts use extract-20260105T090000000Z-0123456789ab
    """
    folder = _folder()
    wanted = name.removesuffix(".duckdb") + ".duckdb"
    try:
        with _recorded("use", wanted) as details, pointer.held(folder):
            details["before"] = _in_use_name(folder)
            target = _sound(folder, wanted)
            pointer.turn(folder, target)
    except OSError as error:
        raise click.ClickException(
            f"{error.filename or folder} cannot be written ({error.strerror}); the extract in use stays"
        ) from error
    click.echo(f"{target.name} is in use; {_facts(target.path)}")


@extracts.command("prune")
@click.option("--keep", type=click.IntRange(min=1), help="How many stay.  [default: DASHBOARD_KEPT_EXTRACTS]")
def prune_command(keep: int | None) -> None:
    """Remove all but the last extracts; the one in use always stays.

    \b
    Example:
        dashboard extracts prune --keep 2
    """
    from dashboard.intake.publication import drop_oldest

    folder = _folder()
    try:
        with _recorded("prune", str(folder)) as details, pointer.held(folder):
            pointer.sweep(folder)
            removed = drop_oldest(folder, keep or settings_in_force().kept_extracts)
            details["removed"] = [path.name for path in removed]
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder} cannot be removed ({error.strerror})") from error
    for path in removed:
        click.echo(f"removed {path.name}")
    if not removed:
        click.echo("nothing to remove")


@extracts.command("compare")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
def compare_command(first: str, second: str) -> None:
    """Name the tables in which the extracts A and B differ, whatever the order of their rows.

    What speaks of the delivery (files, rejects, changes, names and times of the import) is left out.
    A and B are names as `dashboard extracts list` shows them, or paths of files.

    Exit codes: 0 no difference, 1 they differ or one of them cannot be read.

    \b
    Example:
        dashboard extracts compare extract-20260105T090000000Z-0123456789ab \\
            extract-20260106T090000000Z-89ab01234567
    """
    import duckdb

    from dashboard.intake.compare import differing

    try:
        tables = differing(_path_of(first), _path_of(second))
    except duckdb.Error as error:
        raise click.ClickException(f"an extract cannot be read: {str(error).splitlines()[0]}") from error
    if tables:
        click.echo("\n".join(tables))
        raise click.exceptions.Exit(1)
    click.echo("no difference", err=True)


def _path_of(name: str) -> Path:
    """Where an extract lies that is given by name or path."""
    if (given := Path(name)).is_file():
        return given
    path = _folder() / (name.removesuffix(".duckdb") + ".duckdb")
    if not path.is_file():
        raise click.ClickException(f"there is no extract {name}; see: dashboard extracts list")
    return path


@contextlib.contextmanager
def _recorded(action: str, subject: str) -> Iterator[dict[str, object]]:
    """Put on record what is done, and tell in one message if it can't be."""
    from dashboard.state import StateError

    try:
        with on_record(settings_in_force(), "extract", subject) as details:
            details["action"] = action
            yield details
    except StateError as error:
        raise click.ClickException(f"{error} Nothing was done, since it could not be recorded.") from error


def _sound(folder: Path, name: str) -> pointer.Pointer:
    """The extract of that name, if it can be put in use."""
    target = next((one for one in pointer.published(folder) if one.name == name), None)
    if target is None:
        raise click.ClickException(
            f"there is no extract {name} with its card in {folder}; see: dashboard extracts list"
        )
    if target.path.is_symlink() or not _is_intact(target):
        raise click.ClickException(
            f"{target.name} is not as it was published, so the extract in use stays; choose another: "
            "dashboard extracts list"
        )
    if other := other_schema(schema_version(target.path)):
        raise click.ClickException(f"{target.name} {other}. The extract in use stays")
    return target


def schema_version(path: Path) -> int | None:
    """The schema version of an extract, None where it can't be told."""
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            row = connection.execute("select schema_version from extract_info").fetchone()
    except duckdb.Error:
        row = None
    return int(row[0]) if row else None


def _folder() -> Path:
    folder = settings_in_force().extracts
    if not folder.is_dir():
        raise click.ClickException(f"there is no {folder} yet; make an extract: dashboard import DIR")
    return folder


def _in_use(folder: Path) -> pointer.Pointer | None:
    try:
        return pointer.current(folder)
    except pointer.ExtractError as error:
        click.echo(f"{error}", err=True)
        return None


def _in_use_name(folder: Path) -> str | None:
    in_use = _in_use(folder)
    return in_use.name if in_use else None


def _is_intact(one: pointer.Pointer) -> bool:
    try:
        one.check(thorough=True)
    except pointer.ExtractError:
        return False
    return True


def _facts(path: Path) -> str:
    """When it was built, how many rows it holds, demo or real data."""
    # Imported here: it takes a while, which `--help` shouldn't.
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            row = connection.execute("select built_at, rows_accepted, demo from extract_info").fetchone()
    except duckdb.Error:
        row = None
    if row is None:
        return "cannot be opened"
    return f"built {row[0]:%Y-%m-%d %H:%M} UTC, {row[1]:,} rows{', demo' if row[2] else ''}"
