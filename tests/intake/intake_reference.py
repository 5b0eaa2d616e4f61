"""Reference tables that change."""

from __future__ import annotations

import csv
import datetime as dt
import random
from pathlib import Path

from dashboard.settings import REFERENCE

Rows = list[dict[str, str]]


class Tables:
    """Reference tables of one's own, changed by hand or at random; `folder` is to be given with --reference."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.rows: dict[str, Rows] = {"closures": []}
        for name in ("sites", "services", "effects", "age_bands"):
            with (REFERENCE / f"{name}.csv").open(newline="", encoding="utf-8") as file:
                self.rows[name] = list(csv.DictReader(file))
        for name in ("sites", "services"):
            self.rows[name] = [{**row, "from": ""} for row in self.rows[name]]
        self.write()

    def write(self) -> None:
        for name, rows in self.rows.items():
            with (self.folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]) if rows else ["site", "date"])
                writer.writeheader()
                writer.writerows(rows)

    def row(self, name: str, key: str, day: str = "9") -> dict[str, str]:
        """The row of a key that counts on a day, the last one unless given."""
        own = [row for row in self.rows[name] if next(iter(row.values())) == key and row.get("from", "") <= day]
        return max(own, key=lambda row: row.get("from", ""))

    def dated(self, name: str, key: str, day: str, **values: str) -> None:
        """One more row of a key."""
        self.rows[name].append({**self.row(name, key, day), **values, "from": day})

    def vary(self, chance: random.Random, last: dt.date) -> None:
        """What changes no row: days of closures, chairs, hours, cities, prices of any day, minutes of days to come."""
        site = chance.choice(self.rows["sites"])
        service = chance.choice(self.rows["services"])
        days = {row["from"] for row in self.rows["sites"] + self.rows["services"]}
        day = str(dt.date(2025, 1, 1) + dt.timedelta(chance.randint(0, 700)))
        ahead = str(last + dt.timedelta(chance.randint(1, 30)))
        price = f"{chance.randint(50, 900)}.00"
        site["chairs"], city = str(chance.randint(1, 9)), f"City {chance.randint(1, 99)}"
        for row in self.rows["sites"]:
            if row["site"] == site["site"]:
                row["city"] = city
        service["list_price"] = price
        self.rows["closures"] = chance.sample(self.rows["closures"], len(self.rows["closures"]) // 2)
        self.rows["closures"] += [{"site": chance.choice(["", site["site"]]), "date": day}]
        if day not in days:
            self.dated("sites", site["site"], day, closes="19:00", open_days="Mon Tue Sat")
            self.dated("services", service["service"], day, list_price=f"{chance.randint(50, 900)}.00")
        if ahead not in days | {day}:
            self.dated("services", service["service"], ahead, minutes=str(chance.randint(20, 200)))
        self.write()
