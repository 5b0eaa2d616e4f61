"""What a draft asks about another system's file as a whole: columns that a person must look at."""

from __future__ import annotations

import re

from dashboard.intake.contract import INSTRUMENTS, Column, DeliveryError, Table
from dashboard.intake.drafting import row_guesses
from dashboard.intake.drafting.formats import toml_string
from dashboard.intake.drafting.guesses import column_words, find_person
from dashboard.intake.drafting.samples import SampledFile
from dashboard.intake.drafting.sideways import NUMBERED
from dashboard.intake.reading.detect import check_header

#: A person comes again where they have so many rows for each address, at least.
_AGAIN = 1.1
_ADDRESSES = ("email", "e mail", "email address")
_ZONE = re.compile(r"(time ?zone|tz)(?: name)?")
#: Zones as calendars and payment systems call them.
_ZONES = {
    "eastern time": "America/New_York",
    "central time": "America/Chicago",
    "mountain time": "America/Denver",
    "pacific time": "America/Los_Angeles",
}
_IANA = re.compile(r"(?:Africa|America|Asia|Australia|Europe|Pacific)/[A-Za-z_/]+|UTC")
#: A question of a questionnaire, as its columns are numbered.
_ITEM = re.compile(r"(phq|gad) ?[97]? ?(?:q|item|question)? ?\d{1,2}[a-i]?")
#: A checkbox as REDCap exports it; what it says stands in the codebook alone.
_CHECKBOX = re.compile(r"([^_].{0,40})___\d{1,3}")
#: So many of them are a questionnaire.
_ITEMS = 5


def about(table: Table, file: SampledFile) -> list[str]:
    """Lines for a file's section: why its columns can't be read, and of which zone its times are."""
    lines: list[str] = []
    if not any(file.header):
        try:
            check_header(file.inspected, ())
        except DeliveryError as error:
            lines.append(f"# DECIDE: {str(error).removeprefix(str(file.inspected.path)).strip()}")
    if any(column.kind == "timestamp" for column in table.columns):
        lines += _zones(file)
    if table.name == "bookings":
        lines += _checkboxes(file)
    return lines


def _checkboxes(file: SampledFile) -> list[str]:
    """Checkboxes of side effects that bear numbers: which one is which, a person has to look up."""
    found = [(name, match[1]) for name in file.header if (match := _CHECKBOX.fullmatch(name))]
    names = [name for name, stem in found if column_words(stem).removesuffix("s") in {*NUMBERED, "effect"}]
    if not names:
        return []
    return [
        f"# DECIDE: {', '.join(names)} are checkboxes; which side effect each stands for is in the form's codebook:",
        '# write a [[side_effects]] section each, with only = { column = "…", values = ["1", "Checked"] } and',
        '# effect = { constant = "…" }',
    ]


def _zones(file: SampledFile) -> list[str]:
    """Of which zone a column says that the times are, which a mapping has to be told."""
    name = next((name for name in file.header if _ZONE.fullmatch(column_words(name))), None)
    values = dict.fromkeys(file.columns[name]) if name is not None else {}
    if name is None or not values:
        return []
    zones = {_zone_in(value) for value in values}
    if len(zones) > 1 or None in zones:
        return [f"# DECIDE: {name} tells zones of times; they count as the site's own unless timezone says otherwise"]
    zone = toml_string(zones.pop() or "")
    return [
        f"# DECIDE: {name} says {zone}; times that are of that zone and not the site's own need timezone = {zone}"
    ]


def _zone_in(value: str) -> str | None:
    """The zone that a value names; None where it is known under no such name."""
    if _IANA.fullmatch(value):
        return value
    return next((zone for called, zone in _ZONES.items() if value.lower().startswith(called)), None)


def of_column(table: Table, column: Column, file: SampledFile, name: str, bookings: SampledFile | None) -> str:
    """What to say of a column that was guessed, beside what its name and format tell."""
    found = (table.name, column.name)
    if found == ("bookings", "patient_id"):
        return _of_each_row(file, name)
    if found == ("side_effects", "booking_id"):
        return row_guesses.strange(bookings, file.columns[name])
    if found == ("payments", "amount"):
        return row_guesses.refunded(file, name) + row_guesses.with_others(file, name)
    return ""


def _of_each_row(file: SampledFile, name: str) -> str:
    """What to say of a patient's id that no two rows share, where their e-mail addresses come again."""
    ids = file.columns[name]
    address = next((found for one in _ADDRESSES if (found := find_person(one, file.header))), None)
    people = file.columns[address] if address is not None and address != name else []
    if len(set(ids)) < len(ids) or len(people) < len(ids) or len(people) < _AGAIN * len(set(people)):
        return ""
    return f"; DECIDE: it is another in each row, and {address} isn't: is it the visit's own?"


def scores_without_section(files: list[SampledFile]) -> list[str]:
    """What to say of columns called after a questionnaire where no section takes scores."""
    lines: list[str] = []
    for file in files:
        words = {name: column_words(name) for name in file.header}
        items = [name for name, told in words.items() if _ITEM.fullmatch(told)]
        sums = [
            name
            for name, told in words.items()
            if name not in items and re.match(r"(phq|gad)(?![a-z])", told) and _is_score(file.columns[name])
        ]
        needed = f"{' or '.join(INSTRUMENTS)}, with a day and the patient's id"
        if sums:
            lines.append(
                f"# DECIDE: {file.called} may hold scores in {', '.join(sums)}; "
                f"a section [scores] takes sums of {needed}"
            )
        elif len(items) >= _ITEMS:
            lines.append(
                f"# DECIDE: {file.called} has answers to a questionnaire ({items[0]} to {items[-1]}), which are not "
                f"added up; a section [scores] takes a column with the sum of {needed}"
            )
    return lines


def _is_score(values: list[str]) -> bool:
    return bool(values) and all(re.fullmatch(r"\d{1,2}(?:\.0+)?", value) for value in values)
