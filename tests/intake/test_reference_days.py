"""Rows of sites.csv and services.csv that count from a day on, and days on which sites are closed."""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from intake_clinic import BOOKINGS, Clinic, change

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reference import WEEKDAYS, load_reference
from dashboard.settings import QUERIES, REFERENCE

SITES = "site,name,city,timezone,chairs,opens,closes,open_days,from"
SERVICES = "service,name,line,minutes,list_price,from"
FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 4, 30)
DAYS = [FIRST + dt.timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
OTHER = "the reference tables are others than those of extract-"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "reference"
    folder.mkdir()
    return folder


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / f"{name}.csv").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def site(key: str, chairs: int = 2, opens: str = "09:00", closes: str = "17:00", day: object = "") -> str:
    return f"{key},{key.title()},,America/Chicago,{chairs},{opens},{closes},Mon Tue Wed Thu Fri,{day}"


def service(key: str, minutes: int, price: str, day: object = "") -> str:
    return f"{key},{key.title()},vitamin,{minutes},{price},{day}"


class Versions:
    """Random rows of one key, and plain Python's answer to which of them counts on a day."""

    def __init__(self, chance: random.Random, made: Callable[[], tuple[Any, ...]]) -> None:
        days = chance.sample(DAYS, chance.randint(0, 3))
        bare = not days or chance.random() < 0.5
        self.rows = [(day, made()) for day in ([None] if bare else []) + days]
        chance.shuffle(self.rows)

    def on(self, day: dt.date) -> tuple[Any, ...]:
        begun = [row for row in self.rows if row[0] is None or row[0] <= day]
        if begun:
            return max(begun, key=lambda row: row[0] or dt.date.min)[1]
        return min(self.rows, key=lambda row: row[0] or dt.date.min)[1]


class World:
    """Reference tables with days, and bookings, by a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = chance = random.Random(seed)

        def hours() -> tuple[Any, ...]:
            week = [day for day in WEEKDAYS if chance.random() < 0.8] or ["Mon"]
            return chance.randint(0, 4), 7 + chance.randint(0, 3), 12 + chance.randint(0, 8), week

        self.sites = {key: Versions(chance, hours) for key in ("a", "b", "c")}
        for versions in self.sites.values():
            if len(versions.rows) == 1:
                day, (_, *rest) = versions.rows[0]
                versions.rows = [(day, (3, *rest))]
        self.services = {
            key: Versions(chance, lambda: (chance.randint(10, 200), chance.randint(1, 60_000))) for key in ("k", "v")
        }
        self.closures = {(chance.choice(["", "a", "b"]), day) for day in chance.sample(DAYS, 12)}
        self.bookings = [self._booking(number) for number in range(300)]

    def _booking(self, number: int) -> dict[str, Any]:
        day = DAYS[number] if number in (0, len(DAYS) - 1) else self.chance.choice(DAYS)
        price = self.chance.choice([None, self.chance.randint(1, 60_000)])
        return {
            "id": f"B{number}", "site": self.chance.choice("abc"), "service": self.chance.choice("kv"), "day": day,
            "status": self.chance.choice(["completed", "no_show", "cancelled", "arrived"]), "price": price,
            "minutes": self.chance.choice([None, None, 35]),
        }  # fmt: skip

    def write(self, clinic: Clinic, own: Path) -> None:
        write(own, "sites", SITES, *self._mixed(
            (f"{key},{key},,UTC,{chairs},{opens:02}:00,{closes:02}:30,{' '.join(week)},{day or ''}"
             for key, versions in self.sites.items() for day, (chairs, opens, closes, week) in versions.rows)
        ))  # fmt: skip
        write(own, "services", SERVICES, *self._mixed(
            (f"{key},{key},vitamin,{minutes},{cents / 100:.2f},{day or ''}"
             for key, versions in self.services.items() for day, (minutes, cents) in versions.rows)
        ))  # fmt: skip
        write(own, "closures", "date,site", *(f"{day},{key}" for key, day in sorted(self.closures)))
        clinic.write(
            "bookings.csv", f"{BOOKINGS},price,chair_minutes",
            *(
                f"{row['id']},P{row['id']},{row['site']},{row['service']},{row['day']} 09:00,{row['status']},"
                f"{'' if row['price'] is None else format(row['price'] / 100, '.2f')},{row['minutes'] or ''}"
                for row in self.bookings
            ),
        )  # fmt: skip

    def _mixed(self, lines: Iterable[str]) -> list[str]:
        """In any order; the keys as they first stand."""
        found = list(lines)
        self.chance.shuffle(found)
        return sorted(found, key=lambda line: line[0])

    def is_open(self, key: str, day: dt.date) -> bool:
        chairs, *_, week = self.sites[key].on(day)
        closed = ("", day) in self.closures or (key, day) in self.closures
        began = min(row["day"] for row in self.bookings if row["site"] == key)
        return day >= began and chairs > 0 and WEEKDAYS[day.weekday()] in week and not closed

    def day_of(self, key: str, day: dt.date) -> tuple[bool, int, int, int]:
        """Open, open minutes, chair-minutes, slots."""
        if not self.is_open(key, day):
            return False, 0, 0, 0
        chairs, opens, closes, _ = self.sites[key].on(day)
        minutes = (closes - opens) * 60 + 30
        shortest = min(versions.on(day)[0] for versions in self.services.values())
        return True, minutes, chairs * minutes, chairs * (minutes // shortest)


def asked(clinic: Clinic, name: str, **values: Any) -> list[dict[str, Any]]:
    """A question of queries/ about the extract that was published."""
    with duckdb.connect(str(clinic.report.path), read_only=True) as connection:
        answer = connection.execute((QUERIES / f"{name}.sql").read_text(encoding="utf-8"), values)
        names = [column for column, *_ in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


@pytest.mark.parametrize("seed", range(4))
def test_each_day_has_its_own_prices_minutes_chairs_and_hours(clinic: Clinic, own: Path, seed: int) -> None:
    world = World(seed)
    world.write(clinic, own)
    clinic.publish(reference=own)
    found = clinic.ask("select site, date, open, open_minutes, capacity_minutes, slots from calendar order by all")
    assert found == [(key, day, *world.day_of(key, day)) for key in "abc" for day in DAYS]

    rows = {row["id"]: row for row in world.bookings}
    minutes = {key: row["minutes"] or world.services[row["service"]].on(row["day"])[0] for key, row in rows.items()}
    listed = {key: world.services[row["service"]].on(row["day"])[1] for key, row in rows.items()}
    assert dict(clinic.ask("select booking_id, chair_minutes from bookings")) == minutes

    cube = clinic.ask(
        "select sum(listed_cents), sum(invoiced_cents), sum(no_show_cents), sum(cancelled_cents), sum(bookings), "
        "sum(used_minutes) from daily"
    )
    invoiced = [key for key, row in rows.items() if row["status"] == "completed" and row["price"] is not None]

    def worth(status: str) -> int:
        told = [key for key, row in rows.items() if row["status"] == status]
        return sum(listed[key] if rows[key]["price"] is None else rows[key]["price"] for key in told)

    used = sum(minutes[key] for key, row in rows.items() if row["status"] in ("completed", "arrived"))
    assert cube == [
        (
            sum(listed[key] for key in invoiced),
            sum(rows[key]["price"] for key in invoiced),
            worth("no_show"),
            worth("cancelled"),
            len(rows),
            used,
        )
    ]
    period: dict[str, Any] = {"start": FIRST, "end": LAST, "sites": ["a", "b", "c"]}
    invoices = asked(clinic, "rows_invoices", **period, lines=["vitamin"])
    assert {row["booking_id"]: int(row["list_price"] * 100) for row in invoices} == {
        key: listed[key] for key in invoiced
    }

    booked = {(row["site"], row["day"]) for row in world.bookings}
    until = clinic.one("select last_full_day from extract_info")
    gaps = [
        (key, day)
        for key in "abc"
        for day in DAYS
        if day <= until and world.is_open(key, day) and (key, day) not in booked
    ]
    assert gaps
    assert clinic.ask("select site, date from gaps order by all") == gaps

    odd = sum(
        minutes[key] > 4 * usual or minutes[key] * 4 < usual
        for key, row in rows.items()
        if (usual := world.services[row["service"]].on(row["day"])[0]) and row["status"] in ("completed", "arrived")
    )
    assert clinic.one("select coalesce(sum(rows), 0) from oddities where column_name = 'chair_minutes'") == odd


@pytest.mark.parametrize("seed", [6, 7])
def test_pages_of_a_day_ask_for_its_row(clinic: Clinic, own: Path, seed: int) -> None:
    world = World(seed)
    world.write(clinic, own)
    clinic.publish(reference=own)
    until = clinic.one("select last_full_day from extract_info")
    took_place = [(row["site"], row["day"]) for row in world.bookings if row["status"] != "cancelled"]
    for day in DAYS:
        for row in asked(clinic, "site_hours", day=day, sites=["a", "b", "c"]):
            chairs, opens, closes, _ = world.sites[row["site"]].on(day)
            hours = (dt.time(opens), dt.time(closes, 30)) if world.is_open(row["site"], day) else (None, None)
            shortest = min(versions.on(day)[0] for versions in world.services.values())
            assert (row["chairs"], row["opens"], row["closes"], row["shortest"]) == (chairs, *hours, shortest)
    found = asked(
        clinic, "slots", start=FIRST, end=LAST, sites=["a", "b"], by=["period", "site"], grain="day", until=until
    )
    assert {(row["site"], row["period"]): row["slots"] for row in found} == {
        (key, day): max(world.day_of(key, day)[3] if day <= until else 0, took_place.count((key, day)))
        for key in "ab"
        for day in DAYS
    }
    opened = asked(clinic, "capacity", start=FIRST, end=LAST, sites=["a", "b"], by=["site"], grain="day")
    assert [(row["site"], row["open_days"]) for row in opened] == [
        (key, sum(world.is_open(key, day) for day in DAYS)) for key in "ab"
    ]
    # Beyond the days of the delivery the last rows count.
    later = dt.date(2027, 6, 1)
    assert {row["site"]: row["chairs"] for row in asked(clinic, "site_hours", day=later, sites=["a", "b", "c"])} == {
        key: versions.on(later)[0] for key, versions in world.sites.items()
    }


def test_a_site_that_has_closed_has_no_gaps_and_keeps_its_bookings(clinic: Clinic, own: Path) -> None:
    write(own, "sites", SITES, site("x"), site("y"), site("x", chairs=0, day="2026-01-08"))
    clinic.write(
        "bookings.csv", BOOKINGS, "B1,P1,x,vitamin-c,2026-01-05 09:00,completed",
        "B2,P2,x,vitamin-c,2026-01-12 09:00,completed", "B3,P3,y,vitamin-c,2026-01-16 09:00,completed",
    )  # fmt: skip
    clinic.publish(reference=own)
    assert clinic.ask("select site, date from gaps order by all") == [("x", dt.date(2026, 1, day)) for day in (6, 7)]
    assert clinic.one("select count(*) from bookings where site = 'x'") == 2
    [x] = asked(clinic, "site_hours", day=dt.date(2026, 1, 12), sites=["x"])
    assert (x["chairs"], x["opens"]) == (0, None)


def test_a_visit_on_a_closed_day_counts(clinic: Clinic, own: Path) -> None:
    write(own, "closures", "site,date", "chicago,2026-01-05", ",2026-01-05", ",2026-01-06")
    clinic.write(
        "bookings.csv", BOOKINGS, "B1,P1,chicago,vitamin-c,2026-01-05 09:00,completed",
        "B2,P2,chicago,vitamin-c,2026-01-08 09:00,completed",
    )  # fmt: skip
    clinic.publish(reference=own)
    assert clinic.one("select sum(completed) from daily where starts_on = '2026-01-05'") == 1
    assert clinic.ask("select date from gaps") == [(dt.date(2026, 1, 7),)]
    assert clinic.one("select count(*) from closures") == 6
    of_the_day = {"start": dt.date(2026, 1, 5), "end": dt.date(2026, 1, 6), "sites": ["chicago"], "by": []}
    [slots] = asked(clinic, "slots", **of_the_day, grain="day", until=dt.date(2026, 1, 8))
    assert slots["slots"] == 1


REFUSED = [
    ("sites", [SITES, site("x"), site("x", chairs=3)], "line 3, column site: 'x' stands twice, for x in line 2, too"),
    ("sites", [SITES, site("x", day="2026-01-05"), site("y"), site("x", day="2026-01-05")],
     "line 4, column from: '2026-01-05' stands twice, for x in line 2, too"),
    ("sites", [SITES, site("x", day="5 Jan 2026")], "column from: '5 Jan 2026' must be a day like 2026-01-05"),
    ("sites", [SITES, site("x", day="20260105")], "must be a day like"),
    ("sites", [SITES, site("x", day="1989-12-31")], "from 1990 to 2100"),
    ("sites", [SITES, site("x"), site("x", day="2026-01-05").replace("X,", "Xx,")],
     "line 3, column name: 'Xx' must be 'X' as in line 2"),
    ("sites", [SITES, site("x"), site("x", day="2026-01-05").replace("Chicago", "Denver")], "column timezone"),
    ("sites", [SITES, site("x", day="2026-01-05"), site("x").replace(",,America", ",Z,America")], "column city"),
    ("sites", [SITES, site("x", chairs=0)], "from 1 to 1000; a site that has closed gets one more row"),
    ("sites", [SITES, site("x"), site("x", chairs=-1, day="2026-01-05")], "line 3.* from 0 to 1000"),
    ("sites", [SITES, site("x"), site("x", opens="18:00", day="2026-01-05")], "line 3, column closes"),
    ("services", [SERVICES, service("x", 10, "1.00"), service("x", 10, "2.00")], "needs its own day in the column from"),
    ("services", [SERVICES, service("x", 10, "1"), service("x", 10, "2", "2026-01-05").replace("vitamin", "hydration")],
     "line 3, column line: 'hydration' must be 'vitamin' as in line 2"),
    ("services", [SERVICES, service("x", 10, "1"), service("x", 10, "-2", "2026-01-05")], "line 3, column list_price"),
    ("closures", ["site,date", "mars,2026-01-05"], r"line 2, column site: 'mars' is not a site of sites.csv \(chicago,"),
    ("closures", ["site,date", ",05/01/2026"], "column date: '05/01/2026' must be a day"),
    ("closures", ["site,date", "dallas,"], "line 2, column date: '' must be a day"),
    ("closures", ["date", "2026-01-05"], "no column site"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "lines", "words"), REFUSED)
def test_what_contradicts_itself_is_refused(own: Path, name: str, lines: list[str], words: str) -> None:
    write(own, name, *lines)
    with pytest.raises(DeliveryError, match=words) as refusal:
        load_reference(own)
    assert f"{name}.csv" in str(refusal.value)


def test_the_days_of_a_key_follow_one_another(own: Path) -> None:
    write(own, "services", SERVICES, service("x", 20, "2", "2026-03-01"), service("y", 5, "5"), service("x", 10, "1"),
          service("x", 30, "3", "2026-03-02"))  # fmt: skip
    write(own, "closures", "site,date")
    found = load_reference(own)
    assert [one.service for one in found.services] == ["x", "y"]
    assert [(price.from_on, price.until_on, price.minutes) for price in found.services[0].prices] == [
        (dt.date(1900, 1, 1), dt.date(2026, 2, 28), 10),
        (dt.date(2026, 3, 1), dt.date(2026, 3, 1), 20),
        (dt.date(2026, 3, 2), dt.date(2199, 12, 31), 30),
    ]
    assert found.closures == ()


def test_closures_are_other_reference_tables(own: Path) -> None:
    """Else a watched inbox would not try again what they let in."""
    without = load_reference(own).sha256
    assert without == load_reference().sha256
    write(own, "closures", "site,date", ",2026-01-05")
    assert load_reference(own).sha256 != without


def told(clinic: Clinic, own: Path) -> str:
    """What an import says of the reference tables."""
    return "".join(note for note in clinic.publish(reference=own).notes if note.startswith(OTHER))


FOR_EVERY_DAY = "count for every day"


def test_it_is_told_for_which_days_the_tables_differ(clinic: Clinic, own: Path) -> None:
    for name in ("sites", "services"):
        shutil.copy(REFERENCE / f"{name}.csv", own)
    assert told(clinic, own) == ""
    shipped = (own / "services.csv").read_text(encoding="utf-8").splitlines()
    dated = [f"{shipped[0]},from", *(f"{line}," for line in shipped[1:])]
    ketamine = next(line for line in dated if line.startswith("ketamine-infusion"))
    write(own, "services", *dated)
    assert told(clinic, own) == ""
    rise = ketamine.replace("475.00,", "495.00,2026-06-01")
    write(own, "services", *dated, rise)
    said = told(clinic, own)
    assert (
        ": services: ketamine-infusion changed from 2026-06-01 on. List prices and usual minutes with a day" in said
    )
    assert FOR_EVERY_DAY not in said
    assert told(clinic, own) == ""
    # The rise is put off: May differs by nothing, June alone does.
    write(own, "services", *dated, rise.replace("06-01", "07-01"))
    assert "services: ketamine-infusion changed from 2026-06-01 to 2026-06-30. " in told(clinic, own)
    # What counted up to it is mended.
    write(own, "services", *(line.replace("475.00", "465.00") for line in dated), rise.replace("06-01", "07-01"))
    said = told(clinic, own)
    assert "services: ketamine-infusion changed up to 2026-06-30. " in said
    write(own, "services", *(line.replace("465.00", "450.00") for line in dated))
    said = told(clinic, own)
    assert "services: ketamine-infusion changed. New list prices and usual minutes count for every day" in said
    assert "with a day" not in said
    sites = (own / "sites.csv").read_text(encoding="utf-8").splitlines()
    closed = next(line for line in sites if line.startswith("dallas")).replace("Chicago,6,", "Chicago,0,")
    write(own, "sites", f"{sites[0]},from", *(f"{line}," for line in sites[1:]), f"{closed},2026-09-01")
    assert ": sites: dallas changed from 2026-09-01 on. Chairs and hours with a day" in told(clinic, own)


def test_it_is_told_which_closures_came_and_went(clinic: Clinic, own: Path) -> None:
    write(own, "closures", "site,date", "dallas,2026-07-03", ",2026-12-25")
    clinic.publish()
    said = told(clinic, own)
    assert ": closures: 2026-07-03, 2026-12-25 added. On these days alone" in said
    write(own, "closures", "site,date", "dallas,2026-07-03", "chicago,2026-07-03")
    said = told(clinic, own)
    assert ": closures: 2026-07-03 changed; closures: 2026-12-25 removed. On these days alone" in said
    assert told(clinic, own) == ""


OLDER = """
create or replace table sites as select site, name, city, timezone, chairs, opens, closes, open_days, position
from sites inner join site_hours using (site) order by position;
create or replace table services as select service, name, line, minutes, list_price_cents, position
from services inner join service_prices using (service) order by position;
drop table site_hours; drop table service_prices; drop table closures;
alter table calendar drop column slots;
"""


@pytest.mark.parametrize("version", [8, 9])
def test_an_extract_from_before_rows_had_days_is_compared(clinic: Clinic, own: Path, version: int) -> None:
    clinic.publish()
    change(clinic, f"{OLDER} update extract_info set schema_version = {version}")
    clinic.publish()
    assert clinic.report.review.compared_with
    assert not [note for note in clinic.report.notes if note.startswith(OTHER)]
    change(clinic, f"{OLDER} update extract_info set schema_version = {version}")
    shipped = (REFERENCE / "services.csv").read_text(encoding="utf-8").splitlines()
    rise = shipped[1].replace("475.00", "495.00")
    write(own, "services", f"{shipped[0]},from", *(f"{line}," for line in shipped[1:]), f"{rise},2026-06-01")
    write(own, "closures", "site,date", ",2026-12-25")
    said = told(clinic, own)
    assert "closures: 2026-12-25 added; services: ketamine-infusion changed from 2026-06-01 on. " in said
