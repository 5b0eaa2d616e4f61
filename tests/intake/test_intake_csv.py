"""What becomes of rows: values, time zones, ages, money, duplicates, rejects; and refusals."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import hmac

import pytest
from intake_clinic import B1, BOOKINGS, EVENTS, Clinic, at

from dashboard.intake import contract
from dashboard.intake.contract import DeliveryError
from dashboard.intake.sql import parameters, statements
from dashboard.settings import QUERIES, ROOT


def test_every_table_and_column_stands_in_the_readme() -> None:
    text = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    for table in contract.TABLES:
        assert f"## {table.name}" in text
        section = text.split(f"## {table.name}")[1].split("\n## ")[0]
        for column in table.columns:
            [row] = [line for line in section.splitlines() if line.startswith(f"| `{column.name}`")]
            assert ("yes" if column.required else "no") == row.split("|")[3].strip()
            assert column.meaning in row
            for word in column.allowed:
                assert word in row


def test_words_of_the_contract_are_those_of_the_enums(clinic: Clinic) -> None:
    clinic.publish()
    for name, words in [
        ("status", contract.STATUSES),
        ("severity", contract.SEVERITIES),
        ("supervision", contract.SUPERVISIONS),
        ("yes_no", contract.ANSWERS),
    ]:
        assert clinic.one(f"select enum_range(null::{name})") == list(words)
    rules = " ".join(statements("read_payments") + statements("read_scores"))
    for word in (*contract.PAYMENT_KINDS, *contract.INSTRUMENTS):
        assert f"'{word}'" in rules


def test_no_statement_is_written_twice_or_never_used() -> None:
    code = " ".join(p.read_text() for p in (ROOT / "dashboard" / "intake").rglob("*.py"))
    for path in (QUERIES / "build").glob("*.sql"):
        prefix = path.stem.split("_")[0]
        assert f'"{path.stem}"' in code or f'f"{prefix}_{{' in code, path.name
        assert all(statements(path.stem))
    assert parameters("select $a, '\\d{2}$', $sha256") == {"a", "sha256"}


def test_a_booking_with_every_column(clinic: Clinic) -> None:
    names = [column.name for column in contract.BOOKINGS.columns if column.name != "age"]
    row = (
        "007,P1,Chicago,ketamine-infusion,2026-01-05T09:00:00,Completed,2026-01-02 10:00,2026-01-05 10:35,,1980-01-06,"
        "Female,depression,DR-03,physician,yes,Web,95,475.50,yes,37.25"
    )
    clinic.write("bookings.csv", ",".join(names), row)
    clinic.publish()
    [booking] = clinic.ask(
        "select booking_id, site, line, starts_at, ends_at, booked_on, lead_days, age, band, sex, supervision, "
        "mental_health_provider, channel, chair_minutes, price_cents, assessed, dose_mg::varchar, is_new, infusion, next_on "
        "from bookings"
    )
    assert booking == (
        *("007", "chicago", "ketamine", at(2026, 1, 5, 9), at(2026, 1, 5, 10, 35), dt.date(2026, 1, 2), 3, 45),
        *("45–64", "female", "physician", "yes", "web", 95, 47550, True, "37.25", True, 1, None),
    )


def test_the_schema_is_the_documented_one(clinic: Clinic) -> None:
    clinic.publish()
    text = (ROOT / "docs" / "extract.md").read_text(encoding="utf-8")
    tables = clinic.ask("select table_name from duckdb_tables() order by all")
    documented = (
        "age_bands bookings calendar changes closures courses daily daily_effects daily_outcomes daily_patients daily_payments daily_returns effects extract_info gaps hourly infusion_gaps "
        "late_forms left_out oddities patients_apart payments rejects resources scores service_prices services side_effects site_hours sites sources "
        "unknown_names waiting_payments waiting_scores waiting_side_effects "
        "worklist_boosters worklist_forms worklist_inductions worklist_no_shows worklist_scores"
    )
    assert [name for [name] in tables] == documented.split()
    for table, column in clinic.ask("select table_name, column_name from duckdb_columns() where not internal"):
        if table not in ("sites", "services", "age_bands"):
            assert column in text, (table, column)


TIMES = [
    ("chicago", "2026-07-01 09:00", at(2026, 7, 1, 9)),
    ("chicago", "2026-07-01T14:00:00Z", at(2026, 7, 1, 9)),
    ("dallas", "2026-01-05T15:00Z", at(2026, 1, 5, 9)),
    ("miami_beach", "2026-01-05T15:00Z", at(2026, 1, 5, 10)),
    ("miami_beach", "2026-07-01 09:00:30.5-04:00", at(2026, 7, 1, 9, 0, 30, 500000)),
    ("dallas", "2026-07-01 09:00-0500", at(2026, 7, 1, 9)),
    # The night of 8 March 2026 has no 02:30, that of 1 November has 01:30 twice.
    ("chicago", "2026-03-08T07:59:00Z", at(2026, 3, 8, 1, 59)),
    ("chicago", "2026-03-08T08:00:00Z", at(2026, 3, 8, 3, 0)),
    ("dallas", "2026-03-08T08:00:00Z", at(2026, 3, 8, 3, 0)),
    ("miami_beach", "2026-03-08T07:00:00Z", at(2026, 3, 8, 3, 0)),
    ("chicago", "2026-11-01T06:30:00Z", at(2026, 11, 1, 1, 30)),
    ("chicago", "2026-11-01T07:30:00Z", at(2026, 11, 1, 1, 30)),
    ("miami_beach", "2026-11-01T06:30:00Z", at(2026, 11, 1, 1, 30)),
    ("dallas", "2026-11-01T05:30:00Z", at(2026, 11, 1, 0, 30)),
]


def test_times_are_local_to_the_site(clinic: Clinic) -> None:
    rows = [f"B{n:02},P{n},{site},vitamin-c,{starts},completed" for n, (site, starts, _) in enumerate(TIMES)]
    clinic.write("bookings.csv", BOOKINGS, *rows)
    clinic.publish()
    found = clinic.ask("select starts_at, starts_on from bookings order by booking_id")
    assert found == [(local, local.date()) for *_, local in TIMES]


def test_minutes_count_across_the_night_when_clocks_change(clinic: Clinic) -> None:
    clinic.write("bookings.csv", BOOKINGS, "B1,P1,dallas,vitamin-c,2026-11-01T06:15:00Z,completed")
    clinic.write(
        "side_effects.csv",
        EVENTS + ",onset_at,resolved_at",
        "E1,B1,nausea,2026-11-01T06:45:00Z,2026-11-01T07:15:00Z",
    )
    clinic.publish()
    assert clinic.ask("select onset_minutes, duration_minutes, onset_at, resolved_at from side_effects") == [
        (30, 30, at(2026, 11, 1, 1, 45), at(2026, 11, 1, 1, 15))
    ]


def test_an_appointment_over_the_hour_that_comes_twice_ends_after_its_start(clinic: Clinic) -> None:
    """Both ends with an offset say so; of local times nobody knows, and moments the wrong way round stay a fault."""
    clinic.write(
        "bookings.csv",
        BOOKINGS + ",ends_at",
        "B1,P1,dallas,vitamin-c,2026-11-01T06:30:00Z,completed,2026-11-01T07:10:00Z",
        "B2,P2,miami_beach,vitamin-c,2026-11-01T01:50:00-04:00,completed,2026-11-01T01:20:00-05:00",
        "B3,P3,dallas,vitamin-c,2026-11-01 01:30,completed,2026-11-01 01:10",
        "B4,P4,dallas,vitamin-c,2026-11-01T07:10:00Z,completed,2026-11-01T06:30:00Z",
        "B5,P5,dallas,vitamin-c,2026-11-01T06:30:00Z,completed,2026-11-02T06:31:00Z",
    )
    report = clinic.publish()
    assert clinic.ask("select booking_id, chair_minutes from bookings order by all") == [("B1", 40), ("B2", 30)]
    assert [(one.reason, one.first_lines) for one in report.reasons] == [
        ("is before starts_at or more than a day after it", [4, 5, 6])
    ]


AGES: list[tuple[object, int | None, str]] = [
    (0, 0, "Under 12"), (11, 11, "Under 12"), (12, 12, "12–17"), (17, 17, "12–17"), (18, 18, "18–25"),
    (25, 25, "18–25"), (26, 26, "26–44"), (44, 44, "26–44"), (45, 45, "45–64"), (64, 64, "45–64"),
    (65, 65, "65–74"), (74, 74, "65–74"), (75, 75, "75–84"), (84, 84, "75–84"), (85, 85, "85+"),
    (89, 89, "85+"), (90, 90, "85+"), (91, 90, "85+"), (120, 90, "85+"), ("", None, "Unknown"),
]  # fmt: skip


def test_bands_at_each_threshold(clinic: Clinic) -> None:
    name, rest = B1.split(",", 1)
    rows = [f"{name}{n:02},{rest},{age}" for n, (age, *_) in enumerate(AGES)]
    clinic.write("bookings.csv", BOOKINGS + ",age", *rows)
    clinic.publish()
    found = clinic.ask("select age, band from bookings order by booking_id")
    assert found == [(stored, band) for _, stored, band in AGES]


def test_age_is_that_of_the_day_of_the_visit(clinic: Clinic) -> None:
    rows = [f"B{n},P1,chicago,vitamin-c,{day} 09:00,booked" for n, day in enumerate(("2026-03-01", "2026-03-02"))]
    clinic.write("bookings.csv", BOOKINGS + ",birth_date,age", f"{rows[0]},2008-03-02,33", f"{rows[1]},2008-03-02,")
    clinic.publish()
    assert clinic.ask("select age, band from bookings order by starts_on") == [(17, "12–17"), (18, "18–25")]


def test_who_was_born_on_29_february_is_a_year_older_on_the_28th_in_other_years(clinic: Clinic) -> None:
    days = ("2024-02-28", "2024-02-29", "2026-02-27", "2026-02-28", "2026-03-01")
    rows = [f"B{n},P1,chicago,vitamin-c,{day} 09:00,booked,2008-02-29" for n, day in enumerate(days)]
    clinic.write("bookings.csv", BOOKINGS + ",birth_date", *rows)
    clinic.publish()
    assert clinic.ask("select age from bookings order by starts_on") == [(15,), (16,), (17,), (18,), (18,)]


def test_local_times_are_told_apart_by_the_wall_clock_and_offsets_by_what_passed(clinic: Clinic) -> None:
    """From 23:30 on 7 March 2026 to 03:30 three hours pass."""
    clinic.write(
        "bookings.csv",
        BOOKINGS + ",ends_at",
        "B1,P1,dallas,vitamin-c,2026-03-07 23:30,completed,2026-03-08 03:30",
        "B2,P2,dallas,vitamin-c,2026-03-07T23:30:00-06:00,completed,2026-03-08T03:30:00-05:00",
    )
    clinic.publish()
    assert clinic.ask("select chair_minutes from bookings order by booking_id") == [(240,), (180,)]


def test_patient_numbers_are_hmacs(clinic: Clinic) -> None:
    ids = ["P1", "7", "a'b;c", "Zoë"]
    clinic.write(
        "bookings.csv", BOOKINGS, *(f"B{n},{i},chicago,vitamin-c,2026-01-05 09:00,booked" for n, i in enumerate(ids))
    )
    clinic.publish()
    path = clinic.data / "state" / "patient.key"
    assert path.stat().st_mode & 0o777 == 0o600
    expected = [int(hmac.new(path.read_bytes(), i.encode(), hashlib.sha256).hexdigest()[:15], 16) for i in ids]
    assert clinic.ask("select patient from bookings order by booking_id") == [(n,) for n in expected]
    assert path.read_bytes() not in clinic.report.path.read_bytes()


def test_a_column_without_a_name_is_told_by_its_number(clinic: Clinic) -> None:
    clinic.write("bookings.csv", f",{BOOKINGS},note,", f"0,{B1},x,")
    assert clinic.publish().files[0].ignored == ("number 1 (no name)", "note", "number 9 (no name)")


def test_personal_data_never_reaches_the_extract(clinic: Clinic) -> None:
    clinic.write(
        "bookings.csv",
        "Name," + BOOKINGS + ",birth_date,phone",
        f"Jane Roe-Secret,{B1},1981-07-23,555-0199",
        "Joe Roe-Secret,B2,Secret-P2,chicago,vitamin-c,2026-01-05 09:00,completed,23/07/1981,555-0199,excess",
        "Joe Roe-Secret,B3,Secret-P2,chicago,vitamin-c,2026-01-05 09:00,completed,23/07/1981,555-0199",
    )
    clinic.write(
        "scores.csv", "score_id,patient_id,instrument,taken_at,score", "S1,Secret-P9,PHQ-9,2026-01-05 08:00,9"
    )
    report = clinic.publish()
    assert report.files[0].ignored == ("Name", "phone")
    content = clinic.report.path.read_bytes() + "\n".join(report.lines()).encode()
    for secret in (b"Secret", b"555-0199", b"23/07", b"1981-07"):
        assert secret not in content
    assert clinic.rejects() == [
        ("bookings.csv", 3, None, None),
        ("bookings.csv", 4, "birth_date", "(not shown)"),
        ("scores.csv", 2, "patient_id", "(not shown)"),
    ]


WRONG = [
    ("booking_id", ""), ("patient_id", " "), ("site", "boston"), ("service", ""), ("status", "done"),
    ("starts_at", "2026-02-30 09:00"), ("starts_at", "05.01.2026 09:00"), ("starts_at", "2026-01-05"),
    ("starts_at", "1989-12-31 09:00"), ("starts_at", "2101-01-01 09:00"), ("starts_at", "infinity"),
    ("booked_at", "yesterday"), ("ends_at", "2026-01-05 08:59"), ("ends_at", "2026-01-07 09:00"),
    ("cancelled_at", "2026-13-01 09:00"), ("birth_date", "2026-01-06"), ("birth_date", "1905-01-01"),
    ("age", "-1"), ("age", "121"), ("age", "12.5"), ("supervision", "nurse"), ("channel", "x" * 81),
    ("mental_health_provider", "maybe"), ("chair_minutes", "-5"), ("chair_minutes", "2000"),
    ("price", "-1"), ("price", "475.005"), ("price", "$475"), ("price", "1,200"), ("price", "nan"),
    ("side_effects_assessed", "perhaps"), ("dose_mg", "much"), ("dose_mg", "99999999999"),
]  # fmt: skip


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize("offset", ["Z", "z", "UTC", "+00", "+0000", "+00:00", "-06", "-0600", "-06:00"])
def test_an_offset_in_the_ways_that_databases_write_it(clinic: Clinic, offset: str, blank: str) -> None:
    hour = 9 if "06" in offset else 15
    clinic.write(
        "bookings.csv", BOOKINGS,
        f"B1,P1,chicago,vitamin-c,2026-01-05T{hour:02}:00:00{blank}{offset},completed",
        f"B2,P1,chicago,vitamin-c,2026-01-05 {hour:02}:00:00.0000000{blank}{offset},completed",
        f"B3,P1,chicago,vitamin-c,2026-01-05 {hour:02}:00{blank}{offset},completed",
        # No offset, an offset of another place, and one beyond all zones.
        f"B4,P1,chicago,vitamin-c,2026-01-05 {hour:02}:00  {offset},completed",
        f"B5,P1,chicago,vitamin-c,2026-01-05 {hour:02}:00 CST,completed",
        f"B6,P1,chicago,vitamin-c,2026-01-05 {hour:02}:00 +1500,completed",
    )  # fmt: skip
    clinic.publish()
    assert clinic.ask("select booking_id, starts_at::varchar, utc_offset from bookings order by booking_id") == [
        (booking, "2026-01-05 09:00:00", -360) for booking in ("B1", "B2", "B3")
    ]
    assert len(clinic.rejects()) == 3


def test_zeros_behind_two_decimals_are_no_fault(clinic: Clinic) -> None:
    """As databases write amounts; any other digit there is one."""
    given = {"475.0000": 47500, "475.5": 47550, "0.010": 1, ".50000": 50, "+1.20000000": 120, "7.": 700, "12": 1200}
    wrong = ("475.0001", "0.0010", "1.005000", "1.00_0", "1.000e1", "1.0 00", "1.000.000", "..00", ".")
    rows = [f"B{n},P1,chicago,vitamin-c,2026-01-05 09:00,completed,{text}" for n, text in enumerate([*given, *wrong])]
    clinic.write("bookings.csv", BOOKINGS + ",price", *rows)
    clinic.publish()
    assert clinic.ask("select price_cents from bookings order by booking_id") == [
        (cents,) for cents in given.values()
    ]
    assert [value for *_, value in clinic.rejects()] == list(wrong)


def test_a_whole_number_may_have_a_point_and_zeros(clinic: Clinic) -> None:
    given = {"34.0": 34, "34.": 34, "+7.000": 7, "0.0": 0, "61": 61}
    wrong = ("34.5", "34.01", "34.0.0", ".0", "34.0x", "3_4.0", "34,0")
    rows = [
        f'B{n},P1,chicago,vitamin-c,2026-01-05 09:00,completed,"{text}"' for n, text in enumerate([*given, *wrong])
    ]
    clinic.write("bookings.csv", BOOKINGS + ",age", *rows)
    clinic.publish()
    assert clinic.ask("select age from bookings order by booking_id") == [(age,) for age in given.values()]
    assert [value for *_, value in clinic.rejects()] == list(wrong)


def test_one_wrong_value_rejects_the_row(clinic: Clinic) -> None:
    """Each in a row of its own, between rows that are sound."""
    names = [c.name for c in contract.BOOKINGS.columns]
    sound = dict.fromkeys(names, "") | dict(zip(BOOKINGS.split(","), B1.split(","), strict=True))
    rows, expected = [], []
    for number, (column, value) in enumerate(WRONG):
        rows += [sound | {"booking_id": f"S{number}"}, sound | {"booking_id": f"W{number}", column: f'"{value}"'}]
        shown = None if not value.strip() else "(not shown)" if column == "birth_date" else value
        shown = shown if shown is None or len(shown) <= 40 else shown[:39] + "…"
        expected.append(("bookings.csv", 2 * number + 3, column, shown))
    clinic.write("bookings.csv", ",".join(names), *(",".join(row.values()) for row in rows))
    report = clinic.publish()
    assert clinic.rejects() == expected
    assert (report.rows_read, report.rows_accepted, report.rows_rejected) == (len(rows), len(WRONG), len(WRONG))


def test_several_faults_of_a_row_are_all_named_and_count_once(clinic: Clinic) -> None:
    clinic.write("bookings.csv", BOOKINGS + ",age", B1 + ",30", "B2,P2,mars,tea,noon,gone,old")
    report = clinic.publish()
    assert [row[2] for row in clinic.rejects()] == ["age", "service", "site", "status"]
    assert report.rows_rejected == 1
    reasons = dict(clinic.ask("select column_name, reason from rejects"))
    assert "chicago, dallas, miami_beach" in reasons["site"]
    assert "no_show" in reasons["status"]


def test_the_first_sound_row_of_an_id_is_kept(clinic: Clinic) -> None:
    clinic.write(
        "bookings-2.csv",
        BOOKINGS,
        "B2,P2,dallas,vitamin-c,2026-01-07 09:00,completed",
        "B1,P2,dallas,vitamin-c,2026-01-06 09:00,completed",
    )
    clinic.write(
        "bookings.csv",
        BOOKINGS,
        "B2,P2,dallas,vitamin-c,someday,completed",
        B1,
        "B1,P9,miami_beach,vitamin-c,2026-01-05 09:00,no_show",
    )
    clinic.publish()
    assert clinic.ask("select booking_id, site from bookings order by all") == [("B1", "dallas"), ("B2", "dallas")]
    assert [row[:3] for row in clinic.rejects()] == [
        ("bookings.csv", 2, "starts_at"),
        ("bookings.csv", 3, "booking_id"),
        ("bookings.csv", 4, "booking_id"),
    ]


def test_order_of_columns_case_bom_line_ends_and_gzip_do_not_matter(clinic: Clinic) -> None:
    lines = ['STATUS,"note, long",Site,starts_at,patient_id,service,booking_id']
    lines += ['Completed,"a\r\n""b""",CHICAGO, 2026-01-05 09:00 ,P1,vitamin-c,B1', "oops", ",,,,,,"]
    content = b"\xef\xbb\xbf" + "\r\n".join(lines).encode() + b"\r\n\r\n"
    (clinic.delivery / "bookings.csv").unlink()
    clinic.write_bytes("bookings-a.csv.gz", gzip.compress(content, mtime=0))
    report = clinic.publish()
    assert clinic.ask("select booking_id, site, status from bookings") == [("B1", "chicago", "completed")]
    assert {row[1] for row in clinic.rejects()} == {4, 5}
    assert report.files[0].rows_read == 3
    assert clinic.ask("select file, bytes, rows_read from sources")[0] == (
        *("bookings-a.csv.gz", len(gzip.compress(content, mtime=0)), 3),
    )


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("bookings.csv", b"", ["bookings.csv", "no readable header", "booking_id"]),
        ("bookings.csv", b"booking_id,patient_id\n", ["site, service, starts_at, status"]),
        ("bookings.csv", BOOKINGS.replace(",", ";").encode(), ["bookings.csv", "';'", "commas"]),
        ("bookings.csv", (BOOKINGS + ",site\n").encode(), ["site", "more than once"]),
        ("bookings.csv", BOOKINGS.encode("utf-16"), ["bookings.csv", "UTF-8"]),
        ("bookings.csv", (BOOKINGS + "\n").encode(), ["no row of bookings was accepted"]),
        ("bookings.csv", (BOOKINGS + "\nB1,P1,mars,x,y,z\n").encode(), ["no row", "line 2", "mars"]),
        ("bookings-x.csv.gz", b"not gzip", ["bookings-x.csv.gz", "deliver it again"]),
        (
            "bookings-x.csv.gz",
            gzip.compress(BOOKINGS.encode() * 99, mtime=0)[:-9],
            ["bookings-x.csv.gz", "deliver it again"],
        ),
        ("delivery.json", b"[1]", ["delivery.json", "JSON"]),
    ],
)
def test_refusals_say_what_and_where(clinic: Clinic, name: str, content: bytes, words: list[str]) -> None:
    clinic.write_bytes(name, content)
    with pytest.raises(DeliveryError) as refusal:
        clinic.publish()
    for word in words:
        assert word in str(refusal.value)


def test_a_required_table_is_missed(clinic: Clinic) -> None:
    (clinic.delivery / "side_effects.csv").unlink()
    with pytest.raises(DeliveryError, match=r"holds no side_effects\.csv.*event_id"):
        clinic.publish()
