"""A larger made-up group: the three sites and others beside them, for `dashboard demo --sites`."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from pathlib import Path

from dashboard import folders
from dashboard.intake.contract import DeliveryError
from dashboard.intake.reference import COLUMNS, Hours, Reference, Site
from dashboard.intake.reference_rows import EVER, FOREVER

_TOWNS = {
    "America/New_York": "Albany Atlanta Baltimore Boston Buffalo Charlotte Cleveland Columbus Detroit Hartford "
    "Miami Newark Orlando Philadelphia Pittsburgh Portland Raleigh Richmond Rochester Savannah Syracuse Tampa Toledo "
    "Trenton",
    "America/Chicago": "Austin Birmingham Fargo Houston Lincoln Madison Memphis Milwaukee Minneapolis Mobile "
    "Nashville Omaha Peoria Shreveport Tulsa Waco Wichita",
    "America/Denver": "Albuquerque Boise Boulder Denver Missoula Provo Pueblo",
    "America/Los_Angeles": "Bakersfield Eugene Fresno Oakland Reno Sacramento Seattle Spokane Tacoma",
}
#: After one clinic in each town come more in its quarters.
_QUARTERS = ("", " North", " South", " East", " West", " Center")
#: The most sites that have a name.
MOST = 3 + len(_QUARTERS) * sum(len(towns.split()) for towns in _TOWNS.values())


def with_sites(reference: Reference, count: int) -> Reference:
    """The reference tables with so many sites, from 1 to MOST: the known ones first."""
    towns = [
        (zone, town, town + quarter)
        for quarter in _QUARTERS
        for zone, names in _TOWNS.items()
        for town in names.split()
    ]
    further = [
        Site(
            name.lower().replace(" ", "_"), name, town, zone,
            (
                Hours(
                    EVER, FOREVER, 4 + number % 6, dt.time(8 + number % 2), dt.time(17 + number % 3),
                    "Mon Tue Wed Thu Fri Sat" if number % 4 else "Mon Tue Wed Thu Fri",
                ),
            ),
        )
        for number, (zone, town, name) in enumerate(towns)
    ]  # fmt: skip
    return replace(reference, sites=(*reference.sites, *further)[:count])


def write_sites(directory: Path, reference: Reference) -> Path:
    """Write sites.csv of the tables into a folder, to be named with `--reference`; the folder.

    Raises:
        DeliveryError: the folder cannot be written.
    """
    try:
        folders.make(directory)
        with open(directory / "sites.csv", "w", encoding="utf-8", newline="", opener=folders.opened) as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(COLUMNS["sites"])
            for site in reference.sites:
                now = site.hours[-1]
                hours = (now.chairs, f"{now.opens:%H:%M}", f"{now.closes:%H:%M}", now.open_days)
                rows.writerow((site.site, site.name, site.city, site.timezone, *hours))
    except OSError as error:
        raise DeliveryError(f"{directory} cannot be written ({error.strerror})") from error
    return directory
