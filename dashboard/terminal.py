"""What commands share: settings, the state store, who runs them, and how they end when something is wrong."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import click

from dashboard.intake import pointer
from dashboard.interruption import has_taken_effect, stoppable
from dashboard.settings import Settings

if TYPE_CHECKING:
    from dashboard.catalogue import Catalogue
    from dashboard.state import Store


def operator() -> str:
    """Who runs this command, as the record names them: `os:` and the name on this machine."""
    try:
        return f"os:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"os:{os.getuid()}"


class Commands(click.Group):
    """The commands; where a disk or the state store fails in the midst of one, it ends with one line, as ever."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; stopped, it takes away what it has begun."""
        try:
            with stoppable():
                return super().invoke(ctx)
        except click.ClickException as error:
            # The class says that it is final; a new one would lose the exit code and the usage line.
            vars(error)["message"] = shown(error.message)
            raise
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            where = f"{error.filename}: " if error.filename else ""
            before = "What was done before that stands; mend" if has_taken_effect() else "Mend"
            fail(f"{where}{error.strerror or error}. {before} it and run this again.")
        except Exception as error:
            # Not loaded, it did not fail; to load it takes a while, which `--help` shouldn't.
            database = sys.modules.get("dashboard.state.database")
            if database is None or not isinstance(error, database.DBAPIError):
                raise
            why, hint = database.cause(error)
            hint = hint or "Run: dashboard check"
            before = " What was done stands, and may not be on record." if has_taken_effect() else ""
            fail(f"The state store failed ({why}). {hint}.{before}")


def plain(text: str, kept: str = "") -> str:
    """A text whose characters a terminal shows and doesn't obey; names of files and columns may hold any."""
    return "".join(
        one if one.isprintable() or one in f" {kept}" else one.encode("unicode_escape").decode() for one in text
    )


def shown(message: str) -> str:
    """A message that a terminal doesn't obey; a further line is set in, so that it is no message of its own."""
    return plain(message.replace("\n", "\n  "), kept="\n")


def fail(message: str) -> NoReturn:
    """End a command with what is wrong."""
    click.echo(f"Error: {shown(message)}", err=True)
    sys.exit(1)


def settings_in_force() -> Settings:
    """The settings, or the end with the variable that is wrong."""
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        fail(f"{error}; correct the variable, or unset it.")
    try:
        str(settings.data).encode()
    except UnicodeEncodeError:
        # DuckDB would end with "bad cast", and others with worse.
        name = os.fsencode(settings.data).decode(errors="replace")
        fail(f"The name of the data folder {name} can't be read in this locale; set PYTHONUTF8=1, or LC_ALL=C.UTF-8.")
    return settings


@contextmanager
def store_of(settings: Settings) -> Iterator[Store]:
    """The state store; what it refuses, on opening or within, ends the command with the reason."""
    # Imported here: it takes a second, which `--help` shouldn't.
    from dashboard.state import StateError, Store

    try:
        with Store.for_settings(settings) as store:
            yield store
    except StateError as error:
        fail(str(error))
    except BrokenPipeError:
        sys.exit(1)


def catalogue_of(settings: Settings) -> Catalogue | None:
    """What the extract in use holds, or None while there is none; ends where it can't be read."""
    from dashboard.query_faults import WarehouseError
    from dashboard.warehouse import Warehouse

    try:
        named = pointer.current(settings.extracts)
        if named is None:
            return None
        warehouse = Warehouse(named.path, settings)
    except (pointer.ExtractError, WarehouseError) as error:
        fail(f"{error}")
    warehouse.close()
    return warehouse.catalogue
