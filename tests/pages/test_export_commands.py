"""Files on the command line: receipts, checks, the month-end pack, a month that changed after it was closed."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import zipfile
from datetime import datetime
from decimal import Decimal

import pytest
from click.testing import CliRunner

from dashboard import packs
from dashboard.cli import main
from dashboard.intake import publish
from dashboard.state import Store
from dashboard.state.audit import Search
from dashboard.state.demo import add_demo_accounts
from dashboard.state.saved_exports import SavedExports


@pytest.fixture(scope="module")
def house(data, tmp_path_factory):
    """A data folder of its own, since these tests publish another extract in it, with nothing on record yet."""
    folder = tmp_path_factory.mktemp("commands") / "data"
    shutil.copytree(data, folder, ignore=shutil.ignore_patterns("state"))
    with Store.open(folder, rounds=4) as store:
        add_demo_accounts(store)
    return folder


@pytest.fixture(scope="module")
def run(house):
    def run(*words, code=0):
        result = CliRunner().invoke(main, words, env={"DASHBOARD_DATA": str(house)})
        assert code in (None, result.exit_code), result.output
        return result

    return run


def records(house, **wanted):
    with Store.open(house, rounds=4) as store:
        return store.audit.search(Search(**wanted), 20)


def test_a_file_its_receipt_and_its_check(run, house, tmp_path):
    file = tmp_path / "october.csv"
    result = run(
        "export", "payment_rows", "--from", "2026-09-01", "--to", "2026-09-30", "--site", "dallas", "-o", str(file)
    )
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline="")))
    receipt = json.loads((tmp_path / "october.csv.receipt.json").read_text())
    amount = sum(Decimal(row["Amount USD"]) for row in rows)
    assert len(rows) > 30
    assert f"{len(rows):,} rows, amount {amount}" in result.output
    assert (receipt["rows"], receipt["totals"]["amount"], receipt["outcome"]) == (len(rows), str(amount), "complete")
    assert receipt["filters"] == {
        "from": "2026-09-01",
        "to": "2026-09-30",
        "sites": ["dallas"],
        "date": "payment date",
    }
    assert "rows, amount " in result.output
    assert "Period by payment date: 1 Sep 2026 to 30 Sep 2026." in result.output
    assert receipt["extract_sha256"]
    assert receipt["definitions"]
    assert receipt["user"].startswith("os:")
    [entry] = records(house, kinds=("export",), text=receipt["sha256"])
    assert entry.details["totals"] == receipt["totals"]
    assert "is what was exported: payment_rows" in run("export", "verify", str(file)).output
    file.write_bytes(file.read_bytes().replace(b"dallas", b"dalles", 1))
    assert "is not what was exported" in run("export", "verify", str(file), code=1).output
    (tmp_path / "october.csv.receipt.json").unlink()
    assert "is not on record" in run("export", "verify", str(file), code=1).output


@pytest.mark.parametrize("form", ["csv", "csv.gz", "parquet", "xlsx"])
def test_the_same_export_is_the_same_bytes(run, tmp_path, form):
    for name in ("a", "b"):
        run("export", "take", "visits_by_day", "-o", str(tmp_path / f"{name}.{form}"))
    first, second = ((tmp_path / f"{name}.{form}").read_bytes() for name in ("a", "b"))
    assert first == second
    assert len(first) > 500


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("export", "nonsense", "-o", "x.csv"), 2, "There is no dataset nonsense"),
        (("export", "payment_rows", "-o", "x.doc"), 2, "must end in one of: .csv"),
        (("export", "payment_rows", "-o", "x.csv", "--site", "boston"), 2, "There is no site boston here"),
        (("export", "payment_rows", "-o", "x.csv", "--columns", "amount,salary"), 2, "There is no column salary"),
        (("export", "payment_rows", "-o", "x.csv", "--method", "barter"), 2, "There is no method barter here"),
        (("export", "invoice_rows", "-o", "x.csv", "--method", "card"), 2, "There is no method card here"),
        (
            ("export", "payment_rows", "-o", "x.csv", "--period", "last-mnth"),
            2,
            "There is no period last-mnth. Periods",
        ),
        (
            ("export", "payment_rows", "-o", "x.csv", "--from", "09/01/2026", "--to", "09/30/2026"),
            2,
            "'09/01/2026' is no day. Write it like 2026-10-",
        ),
        (("export", "payment_rows", "-o", "x.csv", "--from", "2026-09-01"), 2, "--from and --to go together"),
        (
            ("export", "payment_rows", "-o", "x.csv", "--from", "2019-09-01", "--to", "2019-09-30"),
            2,
            "nothing of the period asked for",
        ),
        (("export", "payment_rows", "-o", "/no/such/folder/x.csv"), 1, "was not written"),
        (("export", "booking_rows", "-o", "x.csv", "--as", "finance"), 1, "not open to this account"),
        (("export", "booking_rows", "-o", "x.csv", "--as", "nobody"), 1, "There is no user nobody"),
        (("export", "month-end", "--month", "October", "-o", "."), 2, "is no month"),
        (
            ("export", "month-end", "--month", "2026-13", "-o", "."),
            2,
            "'2026-13' is no month. Write it like 2026-10.",
        ),
        (("export", "reopen", "--month", "2026-13", "--reason", "a late statement"), 2, "'2026-13' is no month."),
        (("report", "safety", "--month", "2026-13", "-o", "x.pdf"), 2, "'2026-13' is no month."),
        (("report", "today", "--site", "dallas", "--day", "2026-02-30", "-o", "x.pdf"), 2, "'2026-02-30' is no day."),
        (
            ("export", "month-end", "--month", "2026-09", "--site", "boston", "-o", "."),
            2,
            "There is no site boston here. There is: chicago, dallas, miami_beach.",
        ),
        (("export", "month-end", "--month", "2019-01", "-o", "."), 1, "is not in the extract"),
        (
            ("export", "month-end", "--month", "2026-09", "-o", ".", "--as", "manager.dallas"),
            1,
            "not open to this account",
        ),
        (("tokens", "add", "finance", "--dataset", "booking_rows", "--label", "x"), 1, "may not take booking_rows"),
        (("tokens", "revoke", "12345678"), 1, "There is no token"),
    ],
)
def test_what_cannot_be_is_said_and_leaves_nothing(run, tmp_path, monkeypatch, words, code, said):
    monkeypatch.chdir(tmp_path)
    assert said in run(*words, code=code).output
    assert list(tmp_path.iterdir()) == []


def test_a_workbook_of_too_many_cells_leaves_nothing_and_is_on_record_as_failed(run, house, tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_WORKBOOK_CELLS", "1000")
    file = tmp_path / "x.xlsx"
    assert "which takes 1,000 here" in run("export", "payment_rows", "-o", str(file), code=1).output
    assert list(tmp_path.iterdir()) == []
    entry = records(house, kinds=("export",))[0]
    assert (entry.details["file"], entry.details["outcome"], entry.details["bytes"]) == ("x.xlsx", "failed", 0)


def tables(path):
    with zipfile.ZipFile(path) as archive:
        return {
            name: list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")))
            for name in archive.namelist()
            if name.endswith(".csv")
        }


def test_the_month_end_pack_ties_out_and_a_closed_month_never_changes_in_silence(run, house, tmp_path):
    month = ("export", "month-end", "--month", "2026-09", "-o", str(tmp_path))
    run(*month)
    pack = tmp_path / "month-end_2026-09.zip"
    first = pack.read_bytes()
    run(*month, "--close")
    assert pack.read_bytes() == first
    assert "is closed already" in run(*month, "--close", code=1).output
    found = tables(pack)
    assert set(found) == {
        "cover.csv", "revenue_by_line.csv", "paid_by_method.csv", "refunds.csv", "bridge.csv", "package_liability.csv",
        "no_shows_and_cancellations.csv",
    }  # fmt: skip
    assert len(found["bridge.csv"]) == len(found["package_liability.csv"]) == 3
    for row in found["bridge.csv"]:
        values = [Decimal(value) for value in list(row.values())[1:]]
        assert sum(values[:-2]) == values[-2] > 0
        assert values[-1] == 0
    for row in found["package_liability.csv"]:
        opening, sold, redeemed, refunded, expired, closing, gap = (Decimal(v) for v in list(row.values())[1:])
        assert opening + sold - redeemed - refunded - expired == closing > 0
        assert gap == 0
    invoiced = sum(Decimal(row["Invoiced (US$)"]) for row in found["revenue_by_line.csv"])
    assert sum(Decimal(row["Invoiced (US$)"]) for row in found["bridge.csv"]) == invoiced
    paid = sum(Decimal(row["Paid (US$)"]) for row in found["paid_by_method.csv"])
    assert sum(Decimal(row["Paid (US$)"]) for row in found["bridge.csv"]) == paid
    cover = {row["What"]: row for row in found["cover.csv"]}
    # Money with its cents, counts without.
    assert cover["bridge: Paid (US$)"]["Total (US$)"] == f"{paid:.2f}"
    visits = sum(int(row["Visits"]) for row in found["revenue_by_line.csv"])
    assert cover["revenue_by_line: Visits"]["Number"] == str(visits)
    assert all(re.fullmatch(r"(-?[0-9]+[.][0-9]{2})?", row["Total (US$)"]) for row in cover.values())
    assert "is what was exported: month_end" in run("export", "verify", str(pack)).output
    receipt = json.loads((tmp_path / "month-end_2026-09.zip.receipt.json").read_text())
    assert receipt["sha256"] == hashlib.sha256(first).hexdigest()
    assert receipt["totals"]["bridge | invoiced_cents"] == f"{invoiced:.2f}"
    assert receipt["totals"]["bridge | paid_cents"] == f"{paid:.2f}"
    closing = sum(Decimal(row["Closing (US$)"]) for row in found["package_liability.csv"])
    assert receipt["totals"]["package_liability | closing_cents"] == f"{closing:.2f}"
    extract = house / "extracts" / receipt["extract"]
    assert receipt["extract_sha256"] == hashlib.sha256(extract.read_bytes()).hexdigest()
    assert receipt["link"] == "/revenue?period=custom&from=2026-09-01&to=2026-09-30"
    assert datetime.fromisoformat(receipt["at"]).tzinfo is not None
    assert receipt["demo"] is True
    # A later delivery changes one payment of the closed month.
    payments = house / "delivery" / "payments.csv"
    lines = payments.read_text().splitlines()
    place, line = next((i, text) for i, text in enumerate(lines) if ",2026-09-1" in text and ",payment," in text)
    parts = line.split(",")
    amount = lines[0].split(",").index("amount")
    parts[amount] = str(Decimal(parts[amount]) + Decimal("0.01"))
    lines[place] = ",".join(parts)
    payments.write_text("\n".join(lines) + "\n")
    publish.import_delivery(house / "delivery", house)
    result = run(*month)
    said = [line for line in result.output.splitlines() if line.startswith("restated: ")]
    assert [line for line in said if "bridge" in line and "| paid_cents" in line]
    assert not [line for line in said if "invoiced_cents" in line]
    restated = tables(pack)["restated.csv"]
    assert len(restated) == len(said) >= 4
    assert all(abs(Decimal(row["Now"]) - Decimal(row["As closed"])) == Decimal("0.01") for row in restated)
    # Keys, by which a line is found in the record, with money to the cent.
    assert {row["Figure"] for row in restated} == {line.split(": ")[1] for line in said}
    assert all(re.fullmatch(r"-?[0-9]+[.][0-9]{2}", row["Now"]) for row in restated)
    [entry] = [e for e in records(house, kinds=("month",)) if e.details["change"] == "restated"]
    assert len(entry.details["lines"]) == len(said)
    listed = run("export", "months", code=1).output.splitlines()
    assert [line for line in listed if line.startswith("restated: ")] == said
    assert "closed" in listed[0]
    assert "10 characters" in run("export", "reopen", "--month", "2026-09", "--reason", "late", code=1).output
    again = ("export", "reopen", "--month", "2026-09", "--site", "dallas", "--reason", "The bank statement came late")
    assert "Opened 2026-09 again at dallas." in run(*again).output
    assert "is not closed at dallas" in run(*again, code=1).output
    entry = next(e for e in records(house, kinds=("month",)) if e.details["change"] == "reopened")
    assert entry.details["reason"] == "The bank statement came late"
    assert entry.details["was"][0].startswith("dallas: closed ")
    assert "dallas" not in "".join(line for line in run("export", "months", code=None).output.splitlines()[:2])


def test_the_month_end_pack_names_things_as_pages_do_and_keeps_their_keys_for_programs(run, tmp_path):
    run("export", "month-end", "--month", "2026-09", "-o", str(tmp_path))
    pack = tmp_path / "month-end_2026-09.zip"
    found = tables(pack)

    def named(column):
        return {row[column] for rows in found.values() for row in rows if column in row}

    sites = ["Chicago", "Dallas", "Miami Beach"]
    assert named("Site") == set(sites)
    assert named("Service line") - {"Package"} == {"Ketamine", "Vitamin", "Hydration"}
    assert named("Status") == {"No-show", "Cancelled", "Cancelled late"}
    assert {"Card", "Cash"} <= named("Method")
    cover = {row["What"]: row["Value"] for row in found["cover.csv"]}
    assert (cover["Month"], cover["Sites"]) == ("September 2026", ", ".join(sites))
    with zipfile.ZipFile(pack) as archive:
        assert json.loads(archive.read("receipt.json"))["sites"] == ["chicago", "dallas", "miami_beach"]


def test_a_saved_export_is_written_by_its_name(run, house, tmp_path):
    with Store.open(house, rounds=4) as store:
        query = "dataset=payment_rows&method=card&method=cash&columns=amount,site&period=last-month"
        SavedExports(store).save("finance", "Month-end payments", "payment_rows", query)
        SavedExports(store).save("manager.dallas", "Not mine", "payment_rows", query)
    file = tmp_path / "payments.csv"
    run("export", "run", "Month-end payments", "--as", "finance", "-o", str(file))
    taken = tmp_path / "taken.csv"
    run(
        "export", "payment_rows", "--method", "cash", "--method", "card", "--columns", "amount,site", "-o", str(taken)
    )
    assert file.read_bytes() == taken.read_bytes()
    assert file.read_text(encoding="utf-8-sig").startswith("Amount USD,Site")
    receipt = json.loads((tmp_path / "payments.csv.receipt.json").read_text())
    assert receipt["columns"] == ["amount", "site"]
    assert receipt["filters"]["methods"] == ["card", "cash"]
    assert "method=card&method=cash" in receipt["link"]
    told = run("export", "run", "Month-end", "--as", "finance", "-o", str(tmp_path / "x.csv"), code=1).output
    assert "There is: Month-end payments" in told
    told = run("export", "run", "Not mine", "--as", "manager.dallas", "-o", str(tmp_path / "x.csv"), code=1).output
    assert "may not take payment_rows" in told
    assert not (tmp_path / "x.csv").exists()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("site=closed-clinic", "There is no site closed-clinic here. There is: chicago, dallas, miami_beach"),
        ("site=dallas&site=closed-clinic", "There is no site closed-clinic here"),
        ("line=dental", "There is no line dental here"),
        ("columns=amount,tip", "There is no column tip here"),
        ("date=booked", "There is no date booked here. There is: payment, service"),
        ("period=custom&from=2001-01-01&to=2001-01-31", "nothing of the period asked for"),
    ],
)
def test_a_saved_export_of_what_is_gone_is_no_file_of_everything(run, house, tmp_path, query, said):
    """Of a site that was closed, say: without it the choice would be of all sites."""
    with Store.open(house, rounds=4) as store:
        SavedExports(store).save("finance", "Of before", "payment_rows", query)
    told = run("export", "run", "Of before", "--as", "finance", "-o", str(tmp_path / "x.csv"), code=1).output
    assert "'Of before' no longer fits, and nothing was written" in told
    assert said in told
    assert list(tmp_path.iterdir()) == []


def test_a_saved_export_of_a_site_that_is_no_longer_ones_own_is_no_file_of_another(run, house, tmp_path):
    with Store.open(house, rounds=4) as store:
        SavedExports(store).save("manager.dallas", "Chicago", "booking_rows", "site=chicago")
    told = run("export", "run", "Chicago", "--as", "manager.dallas", "-o", str(tmp_path / "x.csv"), code=1).output
    assert "There is no site chicago here. There is: dallas" in told
    assert list(tmp_path.iterdir()) == []


def test_everything_on_a_page_is_written_and_run_again_by_its_name(run, house, tmp_path):
    with Store.open(house, rounds=4) as store:
        query = "dataset=page_revenue&period=last-month&site=dallas"
        SavedExports(store).save("finance", "All of Revenue", "page_revenue", query)
        SavedExports(store).save("manager.dallas", "Not mine either", "page_revenue", query)
    taken, again, book = (tmp_path / name for name in ("taken.zip", "run.zip", "run.xlsx"))
    result = run("export", "take", "page_revenue", "--site", "dallas", "--as", "finance", "-o", str(taken))
    run("export", "run", "All of Revenue", "--as", "finance", "-o", str(again))
    run("export", "run", "All of Revenue", "--as", "finance", "-o", str(book))
    assert taken.read_bytes() == again.read_bytes()
    found = tables(taken)
    assert list(found) == [f"{name}.csv" for name in packs.of_page("revenue")]
    assert {row["Site"] for row in found["paid_by_method.csv"]} == {"Dallas"}
    count = sum(map(len, found.values()))
    assert f"Wrote {taken}: {count} rows." in result.output
    receipt = json.loads((tmp_path / "run.zip.receipt.json").read_text())
    assert (receipt["dataset"], receipt["rows"], receipt["outcome"]) == ("page_revenue", count, "complete")
    assert receipt["link"] == (
        "/exports?dataset=page_revenue&period=custom&from=2026-09-01&to=2026-09-30&site=dallas"
    )
    for file in (taken, again, book):
        assert "is what was exported: page_revenue" in run("export", "verify", str(file)).output
    left = sorted(tmp_path.iterdir())
    for words, code, said in (
        (("take", "page_revenue"), 2, "x.csv must end in one of: .zip, .xlsx"),
        (("take", "page_revenue", "--columns", "site"), 2, "x.csv must end in one of"),
        (("run", "Not mine either", "--as", "manager.dallas"), 1, "may not take page_revenue"),
        (("take", "page_nothing"), 2, "There is no dataset page_nothing"),
    ):
        assert said in run("export", *words, "-o", str(tmp_path / "x.csv"), code=code).output
    for words, code, said in (
        (("--as", "manager.dallas"), 1, "not open to this account"),
        (("--columns", "site"), 2, "There is no column site here. There is: none"),
    ):
        assert said in run("export", "page_revenue", *words, "-o", str(tmp_path / "x.zip"), code=code).output
    assert sorted(tmp_path.iterdir()) == left


def test_a_month_that_is_not_over_is_provisional_and_stays_open(run, tmp_path):
    month = ("export", "month-end", "--month", "2026-10", "--site", "dallas", "-o", str(tmp_path))
    run(*month)
    [pack] = tmp_path.glob("*.zip")
    state = {row["What"]: row["Value"] for row in tables(pack)["cover.csv"]}["State"]
    if pack.stem.endswith("provisional"):
        assert state.startswith("provisional")
        assert "is not over" in run(*month, "--close", code=1).output
    else:
        assert state == "whole month"


def test_tokens_are_shown_once_listed_and_ended(run, house):
    token = run(
        "tokens", "add", "finance", "--dataset", "payment_rows", "--site", "dallas", "--label", "Sheet"
    ).output.split()[0]
    listed = run("tokens", "list").output
    assert "payment_rows; dallas; never used; Sheet" in listed
    assert token not in listed
    key = listed.split()[0]
    run("tokens", "revoke", key)
    assert key not in run("tokens", "list").output
    assert [entry.details["change"] for entry in records(house, kinds=("token",))] == ["revoked", "issued"]
    assert records(house, text=token) == []


@pytest.mark.parametrize(("named", "words"), [("headline", ""), ("scheduled", "÷ scheduled"), ("slots", "÷ slots")])
def test_the_no_show_rate_in_a_file_is_of_the_definition_named(run, tmp_path, named, words):
    file = tmp_path / "bookings.csv"
    run("export", "bookings_summary", "--period", "90-days", "--no-shows", named, "-o", str(file))
    titles = {row["Metric"] for row in csv.DictReader(io.StringIO(file.read_bytes().decode("utf-8-sig"), newline=""))}
    [title] = [title for title in titles if title.startswith("No-show rate")]
    assert title == ("No-show rate" if named == "headline" else f"No-show rate, {words}")
    receipt = json.loads((tmp_path / "bookings.csv.receipt.json").read_text())
    assert words in json.dumps(receipt, ensure_ascii=False)
