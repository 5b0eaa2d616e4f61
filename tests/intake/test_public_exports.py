"""Drafts and imports of forms that public exports and data sets have, with rows made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from intake_clinic import Export, bookings
from intake_drafts import drafted, imported

from dashboard.cli import main
from dashboard.intake.contract import DeliveryError
from dashboard.intake.drafting.draft import draft_mapping
from dashboard.intake.reference import load_reference

VISIT = "id,patient,clinic,service,start,status"
FIRST = "V1,P1,chicago,vitamin-c,2026-01-05 09:00,completed"


def lines_of(text: str, what: str) -> list[str]:
    return [line for line in text.splitlines() if what in line]


def test_lines_of_two_returns_whose_last_ends_as_usual(export: Export) -> None:
    """What adds the last line to a file is often another program than that which wrote it."""
    rows = ['"id","patient","start"', '"V1","P1","2026-01-05 09:00"', '"V2","P2","2026-01-06 09:00"']
    (export.clinic.delivery / "visits.csv").write_bytes("\r\r\n".join([*rows, ""]).encode()[:-3] + b"\r\n")
    export.publish(bookings())
    assert export.bookings("booking_id") == [("V1",), ("V2",)]


def test_a_delimiter_that_is_known_is_not_proposed(export: Export) -> None:
    (export.clinic.delivery / "visits.csv").write_bytes(b'"id","patient","start"x\n"V1","P1","2026-01-05 09:00"\n')
    with pytest.raises(DeliveryError, match="text follows its closing quote") as refused:
        export.publish(bookings(options='file = "visits.csv"\ndelimiter = ","\n'))
    assert "as delimiter" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "it is empty"), (b'"id,patient,start\n', "a quoted name in its first line is not closed")],
)
def test_a_draft_says_why_a_file_has_no_columns(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "visits.csv").write_bytes(content)
    text = draft_mapping(tmp_path, load_reference())
    assert [f"# DECIDE: has no readable header: {why}" in line for line in lines_of(text, "readable")] == [True]
    assert "# The file has" not in text


def test_a_folder_of_archives_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "export.csv.BZ2").write_bytes(b"BZh9")
    with pytest.raises(DeliveryError, match=r"holds export\.csv\.BZ2, an archive; unpack it there and draft again"):
        draft_mapping(tmp_path, load_reference())


def test_a_name_of_which_nothing_is_left_tells_no_column(tmp_path: Path) -> None:
    rows = [
        f"V{n},P{n},chicago,vitamin-c,2026-01-0{n} 09:00,completed,{'yes' if n % 2 else 'no'}" for n in range(1, 6)
    ]
    text, draft = drafted(tmp_path, visits=[f"{VISIT},%", *rows])
    assert "mental_health_provider" not in draft["bookings"]["columns"]
    assert lines_of(text, "not read") == ["# Columns that are not read: %"]


def test_the_time_it_took_counts_before_the_time_it_was_to_take(tmp_path: Path) -> None:
    header = f"{VISIT},scheduled_duration,actual_duration,duration_difference"
    clinic, _ = imported(tmp_path, visits=[header, f"{FIRST},60,75,15"])
    assert clinic.ask("select chair_minutes from bookings") == [(75,)]
    _, draft = drafted(tmp_path / "export", visits=[f"{VISIT},scheduled_duration", f"{FIRST},60"])
    assert draft["bookings"]["columns"]["chair_minutes"] == "scheduled_duration"


def test_a_state_of_an_address_is_no_status(tmp_path: Path) -> None:
    header, row = VISIT.replace(",status", ",State"), FIRST.replace(",completed", ",IL")
    _, draft = drafted(tmp_path, visits=[header, row, row.replace("V1", "V2").replace("IL", "TX")])
    assert draft["bookings"]["columns"]["status"] == {"constant": "completed"}
    other = [row.replace("V1", "V2").replace("IL", word) for word in ("arrived", "no_show")]
    _, draft = drafted(tmp_path, visits=[header, *other])
    assert draft["bookings"]["columns"]["status"] == "State"


def test_an_id_of_each_row_beside_addresses_that_come_again_is_asked_about(tmp_path: Path) -> None:
    """Calendars number those who are invited anew each time, so that nobody would come twice."""
    header = "Event UUID,Invitee UUID,Invitee Email,clinic,service,start,status"

    def asked(*people: str) -> list[str]:
        rows = [
            f"e-{n},i-{n},{who}@example.org,chicago,vitamin-c,2026-01-0{n} 09:00,completed"
            for n, who in enumerate(people, start=1)
        ]
        text, _ = drafted(tmp_path, events=[header, *rows])
        return lines_of(text, "patient_id =")

    told = "; DECIDE: it is another in each row, and Invitee Email isn't: is it the visit's own?"
    [line] = asked("ann", "bob", "ann")
    assert line.endswith(told)
    [line] = asked("ann", "bob", "cyd")
    assert "DECIDE" not in line


def test_lines_that_count_the_rows_cost_no_time_of_day(tmp_path: Path) -> None:
    """How many there are is another number next time, so no mapping names it."""
    header = "Date,Start Time,Client ID,clinic,service,status"
    rows = [f"10/{n}/2026,{n - 12}:30 PM,P{n},chicago,vitamin-c,Completed" for n in range(14, 17)]
    text, draft = drafted(tmp_path, visits=[header, *rows, ",,,,,", "Total appointments: 3,,,,,"])
    assert draft["bookings"]["columns"]["starts_at"]["column"] == ["Date", "Start Time"]
    assert "Total appointments" not in text
    assert draft["bookings"]["except"] == {"column": "Date", "values": ""}


@pytest.mark.parametrize(
    ("zones", "told"),
    [
        (["Eastern Time (US & Canada)"] * 2, ['timezone = "America/New_York"']),
        (["America/Chicago"] * 2, ['timezone = "America/Chicago"']),
        (["America/Chicago", "Pacific Time (US & Canada)"], ["unless timezone says otherwise"]),
        (["", ""], []),
    ],
)
def test_a_column_that_tells_the_zone_of_times_is_told(tmp_path: Path, zones: list[str], told: list[str]) -> None:
    rows = [f"V{n},P{n},chicago,vitamin-c,2026-01-05 09:00,completed,{zone}" for n, zone in enumerate(zones)]
    text, draft = drafted(tmp_path, visits=[f"{VISIT},Time Zone", *rows])
    found = lines_of(text, "DECIDE: Time Zone")
    assert [one in line for one, line in zip(told, found, strict=True)] == [True] * len(told)
    assert draft["bookings"]["columns"]["starts_at"] == "start"


def test_scores_without_a_day_are_told_as_such(tmp_path: Path) -> None:
    sums = ["patient,phq9_total", "P1,14"]
    text, draft = drafted(tmp_path, visits=[VISIT, FIRST], phq9=sums)
    assert "without a day a score stands before no visit and after none" in lines_of(text, "# taken_at")[0]
    assert "taken_at" not in draft["scores"][0]["columns"]
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["import", str(tmp_path), "--mapping", str(tmp_path / "m.toml"), "--dry-run"])
    assert done.exit_code == 1
    assert "taken_at is not mapped" in done.output
    assert "or leave the section out" in done.output


@pytest.mark.parametrize(
    ("header", "told"),
    [
        (
            ",".join(["patient", "taken", *(f"PHQ9_{n}" for n in range(1, 10))]),
            "has answers to a questionnaire (PHQ9_1 to PHQ9_9), which are not added up",
        ),
        ("patient,phq_score,gad_score,bmi", "may hold scores in phq_score, gad_score"),
    ],
)
def test_columns_of_questionnaires_that_nothing_takes_are_told(tmp_path: Path, header: str, told: str) -> None:
    row = ",".join(["P1", *("1" for _ in header.split(",")[1:])])
    text, draft = drafted(tmp_path, visits=[VISIT, FIRST], study=[header, row])
    assert "scores" not in draft
    [line] = lines_of(text, "a section [scores] takes")
    assert line.startswith("# DECIDE: study.csv")
    assert told in line


def test_days_and_months_the_other_way_round_are_asked_about(tmp_path: Path) -> None:
    """Read each as it fits, 4/3 would count as April among days that are of March."""
    days = ["1/13/2026", "1/14/2026", "2/20/2026", "27/2/2026", "4/3/2026"]
    rows = [f"V{n},P{n},chicago,vitamin-c,{day} 09:00,completed" for n, day in enumerate(days)]
    text, draft = drafted(tmp_path, visits=[VISIT, *rows])
    assert draft["bookings"]["columns"]["starts_at"]["format"] == "%m/%d/%Y %H:%M"
    assert "DECIDE: 20% of the sample have day and month the other way round" in lines_of(text, "starts_at =")[0]


@pytest.mark.parametrize("part", ["2026", "2026-02"])
def test_a_year_or_month_alone_is_no_start(tmp_path: Path, part: str) -> None:
    """It would count as its first day."""
    rows = [f"V{n},P{n},chicago,vitamin-c,{day},completed" for n, day in enumerate(["20260105", "20260106", part])]
    text, draft = drafted(tmp_path, visits=[VISIT, *rows])
    assert draft["bookings"]["columns"]["starts_at"]["format"] == "%Y%m%d"
    assert "DECIDE: 33% of the sample are written otherwise" in lines_of(text, "starts_at =")[0]


def test_the_only_moment_of_an_unusual_name_is_asked_about(tmp_path: Path) -> None:
    """What was booked or changed then is none, and of two neither."""
    header = VISIT.replace(",start", ",Scheduled Sit Moment")
    _, draft = drafted(tmp_path, visits=[header, FIRST])
    assert draft["bookings"]["columns"]["starts_at"] == "Scheduled Sit Moment"
    for other in (header.replace("Scheduled Sit Moment", "Row Updated"), f"{header},Closed Out"):
        text, draft = drafted(tmp_path, visits=[other, f"{FIRST},2026-01-05 10:00" if "Out" in other else FIRST])
        assert "starts_at" not in draft["bookings"]["columns"]
        assert lines_of(text, "# starts_at =") != []


def test_a_row_of_another_encoding_says_what_to_do(export: Export) -> None:
    """Names of columns are often plain where the rows aren't."""
    rows = "id,patient,start,note\nV1,P1,2026-01-05 09:00,café\nV2,P2,2026-01-05 09:00,\n"
    (export.clinic.delivery / "visits.csv").write_bytes(rows.encode("cp1252"))
    export.publish(bookings())
    [(*_, reason)] = export.rejects()
    assert reason == "the record is not UTF-8; save the file as UTF-8, or name its encoding in a mapping"


def test_an_age_above_all_that_are_told_is_one_more(tmp_path: Path) -> None:
    """So the ages of those are written who would be known by theirs; a bound of anything else is no number."""
    rows = [f"V{n},P{n},chicago,vitamin-c,2026-01-05 09:00,completed,{age}" for n, age in enumerate(["87", "> 89"])]
    clinic, _ = imported(tmp_path, visits=[f"{VISIT},age", *rows])
    assert clinic.ask("select age from bookings order by booking_id") == [(87,), (90,)]
    rows = [f"V{n},P{n},chicago,vitamin-c,2026-01-05 09:00,completed,{dose}" for n, dose in enumerate(["35", "<5"])]
    text, draft = drafted(tmp_path / "export", visits=[f"{VISIT},dose_mg", *rows])
    assert draft["bookings"]["columns"]["dose_mg"] == "dose_mg"
    assert "DECIDE: some are no numbers but bounds, like <0, and are rejected" in lines_of(text, "dose_mg =")[0]


def test_years_that_were_shifted_are_told_as_such(tmp_path: Path) -> None:
    text, _ = drafted(tmp_path, visits=[VISIT, FIRST.replace("2026", "2196")])
    assert "DECIDE: its years are not from 1990 to 2100" in lines_of(text, "starts_at =")[0]


def test_visits_that_were_started_and_stopped(tmp_path: Path) -> None:
    header = "visit_id,patient_id,location,visit_type,date_started,date_stopped,date_created,status"
    row = "V1,P1,chicago,vitamin-c,2026-01-05 09:00:00,2026-01-05 10:30:00,2026-01-04 08:00:00,completed"
    clinic, _ = imported(tmp_path, visit=[header, row])
    told = "select strftime(starts_at, '%H:%M'), chair_minutes, strftime(booked_on, '%d') from bookings"
    assert clinic.ask(told) == [("09:00", 90, "04")]


def test_a_line_above_columns_of_numbers_names_them(tmp_path: Path) -> None:
    """With fewer of them it may be a row like those below, and a name in it a patient's."""
    header, row = "PatKey,Xyzzy,Plugh,Frotz,Gnusto", "K1,12,3.5,2026-01-05 09:00,word"
    text, _ = drafted(tmp_path, visits=[header, row, row.replace("K1", "K2")])
    assert "# The file has PatKey, Xyzzy, Plugh, Frotz, Gnusto" in text
    text, _ = drafted(tmp_path, visits=[header, *(row.replace("3.5", word) for word in ("Jane", "Roe"))])
    assert "Xyzzy" not in text.split("starts_at")[0]
    text, _ = drafted(tmp_path, visits=["Jane Roe,NULL,N/A,n/a,Gnusto", row, row.replace("K1", "K2")])
    assert "Jane" not in text


@pytest.mark.parametrize("party", ["customer", "buyer", "seller", "merchant", "business"])
def test_whoever_cancels_a_sale_cancels(tmp_path: Path, party: str) -> None:
    rows = [FIRST.replace("V1", f"V{n}").replace("completed", f"Cancelled by {party}") for n in range(3)]
    _, draft = drafted(tmp_path, visits=[VISIT, *rows])
    assert draft["bookings"]["columns"]["status"]["values"] == {f"Cancelled by {party}": "cancelled"}


@pytest.mark.parametrize(
    "name", ["N° dossier", "Numéro de dossier", "Nº historia clínica", "Expediente", "Prontuário", "Kundennummer"]
)
def test_a_chart_has_the_number_of_a_patient(tmp_path: Path, name: str) -> None:
    """A family name beside it would make one patient of all who bear it."""
    header = VISIT.replace("patient,", f"Nom,{name},")
    rows = [f"V{n},Roe,{1000 + n},chicago,vitamin-c,2026-01-05 09:00,completed" for n in range(3)]
    clinic, text = imported(tmp_path, visits=[header, *rows])
    assert clinic.ask("select count(distinct patient) from bookings") == [(3,)]
    assert "Nom" in lines_of(text, "not read")[0]


@pytest.mark.parametrize(
    "names", [("Nom", "Prénom"), ("Nombre", "Apellidos"), ("Name", "Vorname"), ("Forename", "Surname")]
)
def test_a_name_in_two_columns_is_one(tmp_path: Path, names: tuple[str, str]) -> None:
    header = VISIT.replace("patient,", f"{names[0]},{names[1]},")
    rows = [f"V{n},Roe,{who},chicago,vitamin-c,2026-01-05 09:00,completed" for n, who in enumerate(["Ann", "Bob"])]
    clinic, _ = imported(tmp_path, visits=[header, *rows])
    assert clinic.ask("select count(distinct patient) from bookings") == [(2,)]
