"""Closed months over time: what is paid later, what the extract no longer holds, what could not be written."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from decimal import Decimal

import pytest
from click.testing import CliRunner

from dashboard import month_end
from dashboard.cli import main
from dashboard.intake import publish
from dashboard.screen import closing
from dashboard.settings import REFERENCE
from dashboard.state import StateError, Store
from dashboard.state.closed_months import ClosedMonths


@pytest.fixture
def house(data, tmp_path):
    """A data folder of its own, with no month closed yet."""
    folder = tmp_path / "data"
    shutil.copytree(data, folder, ignore=shutil.ignore_patterns("state"))
    return folder


@pytest.fixture
def run(house):
    def run(*words, code=0):
        result = CliRunner().invoke(main, words, env={"DASHBOARD_DATA": str(house)})
        assert result.exit_code == code, result.output
        return result

    return run


def table(pack, name):
    with zipfile.ZipFile(pack) as archive:
        return list(csv.DictReader(archive.read(f"{name}.csv").decode("utf-8-sig").splitlines()))


def unpaid_visit(delivery, month):
    """Booking, patient and price of a completed visit of the month on which nothing was paid."""
    with (delivery / "payments.csv").open(newline="") as file:
        paid = {row["booking_id"] for row in csv.DictReader(file)}
    with (delivery / "bookings.csv").open(newline="") as file:
        return next(
            (row["booking_id"], row["patient_id"], row["price"])
            for row in csv.DictReader(file)
            if (row["starts_at"] or "").startswith(month) and row["status"] == "completed"
            and row["price"] not in {"", "0.00"} and row["booking_id"] not in paid
        )  # fmt: skip


def test_what_is_paid_after_the_months_end_restates_nothing(run, house, tmp_path):
    run("export", "month-end", "--month", "2026-08", "-o", str(tmp_path), "--close")
    pack = tmp_path / "month-end_2026-08.zip"
    owed = sum(Decimal(row["Not paid by the month's end (US$)"]) for row in table(pack, "revenue_by_line"))
    assert owed == -sum(Decimal(row["Not paid by the end (US$)"]) for row in table(pack, "bridge")) > 0
    booking, patient, price = unpaid_visit(house / "delivery", "2026-08")
    payments = house / "delivery" / "payments.csv"
    names = payments.read_text().splitlines()[0].split(",")
    for identifier, day, restated in (("LATE", "2026-09-01", 0), ("INTIME", "2026-08-31", 1)):
        row = {
            "payment_id": identifier,
            "patient_id": patient,
            "paid_at": f"{day} 10:00",
            "kind": "payment",
            "amount": price,
            "booking_id": booking,
        }
        with payments.open("a") as file:
            file.write(",".join(row.get(name, "") for name in names) + "\n")
        publish.import_delivery(house / "delivery", house)
        assert ("restated" in run("export", "months", code=restated).output) == bool(restated), identifier


def test_a_price_that_rises_later_restates_no_closed_month(run, house, tmp_path):
    """With its day; without one the discounts of the closed month are others."""
    run("export", "month-end", "--month", "2026-08", "-o", str(tmp_path), "--close")
    own = tmp_path / "reference"
    own.mkdir()
    head, *rows = (REFERENCE / "services.csv").read_text(encoding="utf-8").splitlines()
    dearer = [line.replace("475.00", "495.00") for line in rows if line.startswith("ketamine-infusion")]

    def imported(*lines):
        (own / "services.csv").write_text("\n".join([f"{head},from", *lines]) + "\n", encoding="utf-8")
        return " ".join(publish.import_delivery(house / "delivery", house, reference=own).notes)

    told = imported(*(f"{line}," for line in rows), *(f"{line},2026-09-01" for line in dearer))
    assert "services: ketamine-infusion changed from 2026-09-01 on" in told
    assert "restated" not in run("export", "months").output
    # The day before: one day of the closed month.
    imported(*(f"{line}," for line in rows), *(f"{line},2026-08-31" for line in dearer))
    assert (
        "restated: revenue_by_line | dallas | ketamine | discount_cents: " in run("export", "months", code=1).output
    )
    imported(*(f"{line}," for line in rows))
    assert "restated" not in run("export", "months").output
    told = imported(*(f"{line.replace('475.00', '495.00')}," for line in rows))
    assert "New list prices and usual minutes count for every day" in told
    assert (
        "restated: revenue_by_line | dallas | ketamine | discount_cents: " in run("export", "months", code=1).output
    )


def test_a_month_closed_by_an_earlier_version_is_compared_in_what_it_holds():
    """Those hold what was outstanding in their extract, which each later payment changes."""
    head = "revenue_by_line | dallas | ketamine"
    before = {f"{head} | visits": 3, f"{head} | outstanding_cents": 700}
    now = {f"{head} | visits": 4, f"{head} | owed_at_end_cents": 900}
    assert month_end.compare(before, now) == [(f"{head} | visits", 3, 4)]
    owed = f"{head} | owed_at_end_cents"
    assert month_end.compare({owed: 900}, {owed: 800}) == [(owed, 900, 800)]


def test_what_was_restated_is_told_in_its_units_and_by_the_names_of_sites():
    lines = [
        ("revenue_by_line | miami_beach | ketamine | visits", 3, 4),
        ("bridge | miami_beach | paid_cents", 12345, 12245),
    ]
    rows = closing.restated(lines, {"miami_beach": "Miami Beach"}.__getitem__)
    assert rows.to_numpy().tolist() == [
        ["revenue by line", "Miami Beach", "ketamine, visits", 3, 4, 1, "count"],
        ["bridge", "Miami Beach", "paid", 123.45, 122.45, -1, "dollars"],
    ]
    restated = month_end.written(month_end.Pack("2026-09", (), (), (), {}, "x", "2", provisional=False), lines)
    with zipfile.ZipFile(io.BytesIO(restated)) as archive:
        [_, visits, paid] = archive.read("restated.csv").decode("utf-8-sig").splitlines()
    assert visits.endswith(",3,4")
    assert paid.endswith(",123.45,122.45")


def test_a_pack_that_cannot_be_put_in_its_place_closes_nothing(run, tmp_path):
    pack = tmp_path / "month-end_2026-08.zip"
    pack.mkdir()
    month = ("export", "month-end", "--month", "2026-08", "-o", str(tmp_path), "--close")
    refused = run(*month, code=1).output
    assert refused == f"Error: the pack of 2026-08 was not written: {pack}: Is a directory\n"
    assert "No month is closed" in run("export", "months").output
    assert not list(tmp_path.glob(".*"))
    pack.rmdir()
    assert "figures, closed." in run(*month).output
    run("export", "reopen", "--month", "2026-08", "--reason", "closed by a test alone")


def test_a_pack_that_could_not_be_written_closes_nothing(run, tmp_path):
    (tmp_path / "file").touch()
    month = ("export", "month-end", "--month", "2026-08", "--close", "-o")
    assert "was not written" in run(*month, str(tmp_path / "file" / "packs"), code=1).output
    assert "No month is closed" in run("export", "months").output
    run(*month, str(tmp_path))
    assert "2026-08  dallas" in run("export", "months").output


def test_what_the_extract_no_longer_holds_stays_listed_and_hides_no_other_month(run, house):
    with Store.open(house, rounds=4) as store:
        months = ClosedMonths(store.by("lee"))
        months.close("2026-08", "extract-x", {"dallas": {"bridge | dallas | paid_cents": 1}})
        months.close("2021-01", "extract-w", {"dallas": {"bridge | dallas | paid_cents": 1}})
        months.close("2019-01", "extract-v", {"boston": {"bridge | boston | paid_cents": 1}})
    said = run("export", "months", code=1).output
    assert [line.split()[:2] for line in said.splitlines() if " closed " in line] == [
        ["2026-08", "dallas"],
        ["2021-01", "dallas"],
        ["2019-01", "boston"],
    ]
    assert "restated: bridge | dallas | paid_cents: 0.01 -> " in said
    assert "not compared: 2021-01 is not in the extract" in said
    assert "not compared: 2019-01 | boston: not in the extract in use" in said
    run("export", "reopen", "--month", "2026-08", "--reason", "Closed by mistake")
    assert "not compared" in run("export", "months").output
    said = run("export", "reopen", "--month", "2026-08", "--reason", "Closed by mistake", code=1).output
    assert "2026-08 is not closed at any site" in said


def test_opening_says_where_the_month_was_closed_and_no_more(run, tmp_path):
    run("export", "month-end", "--month", "2026-09", "--site", "Miami-Beach", "-o", str(tmp_path), "--close")
    assert [path.name for path in tmp_path.glob("*.zip")] == ["month-end_2026-09_miami_beach.zip"]
    words = ("--site", "chicago", "--site", "miami_beach", "--reason", "a statement came late")
    said = run("export", "reopen", "--month", "2026-09", *words).output
    assert said == "Opened 2026-09 again at miami_beach.\n"


def test_a_month_closed_at_some_sites_says_which_and_closes_at_the_others(house):
    with Store.open(house, rounds=4) as store:
        months = ClosedMonths(store.by("lee"))
        months.close("2026-08", "extract-x", {"dallas": {}})
        with pytest.raises(StateError, match=r"closed already at dallas\..* to close it there: chicago\.$"):
            months.close("2026-08", "extract-x", {"dallas": {}, "chicago": {}})
        months.close("2026-08", "extract-x", {"chicago": {}})
        assert [one.site for one in months.list("2026-08")] == ["chicago", "dallas"]
