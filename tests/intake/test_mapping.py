"""Other systems' files through a mapping: every kind of column, every kind of file, rejects and notes."""

from __future__ import annotations

import datetime as dt
import gzip

import duckdb
import pytest
from click.testing import CliRunner
from intake_clinic import Export, at, bookings

from dashboard.intake import pointer
from dashboard.intake.commands import import_command
from dashboard.intake.contract import DeliveryError
from dashboard.intake.sql import statements

NO_SHOWS = """
[bookings]
file = "appointments-*.csv"
encoding = "utf-8"
[bookings.columns]
booking_id = "AppointmentID"
patient_id = "PatientId"
site       = "Clinic"
service    = { constant = "ketamine-infusion" }
booked_at  = "ScheduledDay"
starts_at  = { column = "AppointmentDay", format = "%Y-%m-%dT%H:%M:%SZ" }
age        = "Age"
status     = { column = "No-show", values = { Yes = "no_show", No = "completed" } }
"""
NO_SHOW_HEADER = (
    "PatientId,AppointmentID,Gender,ScheduledDay,AppointmentDay,Age,Neighbourhood,Scholarship,"
    "Hipertension,Diabetes,Alcoholism,Handcap,SMS_received,No-show,Clinic"
)


def test_the_example_of_the_public_no_show_file(export: Export) -> None:
    export.write(
        "appointments-2016.csv",
        NO_SHOW_HEADER,
        "29872499824296,5642903,F,2016-04-29T18:38:08Z,2016-04-29T00:00:00Z,62,JARDIM DA PENHA,0,1,0,0,0,0,No,Chicago",
        "558997776694438,5642503,M,2016-04-29T16:08:27Z,2016-04-29T00:00:00Z,56,JARDIM DA PENHA,0,0,0,0,0,0,Yes,MIAMI beach",
        "4.26296E+12,005642549,F,2016-04-29T16:19:04Z,2016-05-02T00:00:00Z,115,MATA DA PRAIA,0,0,0,0,0,0,No,dallas",
        "867951213174,5642828,F,2016-04-29T17:29:31Z,2016-04-29T00:00:00Z,-1,PONTAL,0,0,0,0,0,0,No,Chicago",
    )
    export.write(
        "appointments-2017.csv",
        NO_SHOW_HEADER,
        "1,9007199254740993123,M,2016-12-29T16:08:27Z,2017-01-02T00:00:00Z,8,X,0,0,0,0,0,0,Maybe,Boston",
        "1,9007199254740993124,M,2016-12-29T16:08:27Z,2017-01-02,8,X,0,0,0,0,0,0,No,Dallas",
    )
    report = export.publish(NO_SHOWS)
    assert export.bookings("booking_id, site, service, starts_at, booked_on, age, status") == [
        ("005642549", "dallas", "ketamine-infusion", at(2016, 5, 2), dt.date(2016, 4, 29), 90, "completed"),
        ("5642503", "miami_beach", "ketamine-infusion", at(2016, 4, 29), dt.date(2016, 4, 29), 56, "no_show"),
        ("5642903", "chicago", "ketamine-infusion", at(2016, 4, 29), dt.date(2016, 4, 29), 62, "completed"),
    ]
    assert [row[:4] for row in export.rejects()] == [
        ("appointments-2016.csv", 5, "age", "-1"),
        ("appointments-2017.csv", 2, "site", "Boston"),
        ("appointments-2017.csv", 2, "status", "Maybe"),
        ("appointments-2017.csv", 3, "starts_at", "2017-01-02"),
    ]
    reasons = {row[2]: row[4] for row in export.rejects()}
    assert reasons["status"] == "is not among the mapped values; source column: No-show"
    assert "does not match the format %Y-%m-%dT%H:%M:%SZ" in reasons["starts_at"]
    assert reasons["age"].endswith("source column: Age")
    assert (report.rows_read, report.rows_accepted, report.rows_rejected) == (6, 3, 3)
    assert "Neighbourhood" in report.files[0].ignored
    text = "\n".join(report.lines())
    assert "bookings.starts_at (column AppointmentDay)" in text
    assert "side_effects is not in the mapping" in text
    assert export.clinic.one("select count(*) from side_effects") == 0


@pytest.mark.parametrize(
    ("column", "header", "value", "stored"),
    [
        ('price = { column = "fee", currency = "$", thousands = "," }', "fee", '"$1,234.50"', "1234.50"),
        ('price = { column = "fee", currency = "$", thousands = "," }', "fee", "$ 475", "475"),
        ('price = { column = "fee", currency = "€", thousands = ".", decimal = "," }', "fee", '"1.234,5 €"', "1234.5"),
        ('price = { column = "fee", decimal = "," }', "fee", '"99,9000"', "99.90"),
        ('price = { column = "fee", thousands = " " }', "fee", "1\u202f234", "1234"),
        ('dose_mg = { column = "dose", unit = "mg" }', "dose", "37.5 MG", "37.5"),
        ('age = { column = "a", unit = "years" }', "a", "45.0 years", "45"),
        ('chair_minutes = { column = "m", thousands = "," }', "m", "90", "90"),
        ('sex = { column = "g", values = { M = "male" }, default = "unknown" }', "g", "X", "unknown"),
        ('sex = { column = "g", values = { m = "male" }, otherwise = "unknown" }', "g", "", "unknown"),
        ('sex = { column = "g", values = { M = "male", m = "other" } }', "g", "m", "other"),
        ('sex = { column = "g", values = { "" = "none given" } }', "g", "", "none given"),
        ('sex = { column = "g", values = { "9" = "" } }', "g", "9", None),
        ('sex = "Geschlecht (m/w)"', "Geschlecht (m/w)", "W", "W"),
        ('sex = " gender  CODE "', "Gender Code", "W", "W"),
        ('sex = "a.b"', '"a.b"', "W", "W"),
        ("sex = 4", "whatever", "W", "W"),
        ('side_effects_assessed = { column = "f", values = { "1" = true, "0" = false } }', "f", "1", "yes"),
        ('birth_date = { column = "dob", format = "%m/%d/%Y" }', "dob", "01/06/1980", "1980-01-06"),
        ('birth_date = { column = "dob", format = ["%Y%m%d", "%Y"] }', "dob", "1980", "1980-01-01"),
        ('birth_date = { column = "dob", format = "%Y-%m-%d", values = { "1900-01-01" = "" } }', "dob", "1900-01-01", None),
        ('provider = { column = ["id", "patient"], separator = "/", values = { "V1/P1" = "DR-1" } }', "x", "", "DR-1"),
        ('channel = { constant = "Import" }', "x", "", "Import"),
    ],
)  # fmt: skip
def test_what_a_column_may_be_made_of(export: Export, column: str, header: str, value: str, stored: object) -> None:
    export.write("visits.csv", f"id,patient,start,{header}", f"V1,P1,2026-01-05 09:00,{value}")
    assert export.delivered(bookings(column), column.split(" = ")[0]) == stored


@pytest.mark.parametrize(
    ("given", "value", "local"),
    [
        ('format = "%d/%m/%Y %H:%M"', "05/01/2026 09:00", at(2026, 1, 5, 9)),
        ('format = "%m/%d/%y %I:%M %p"', "1/5/26 9:00 PM", at(2026, 1, 5, 21)),
        ('format = "%d-%b-%Y"', "05-JAN-2026", at(2026, 1, 5)),
        ('format = ["%d.%m.%Y %H:%M", "%d.%m.%Y"]', "05.01.2026", at(2026, 1, 5)),
        ('format = "%d/%m/%Y %H:%M", timezone = "UTC"', "05/01/2026 15:00", at(2026, 1, 5, 9)),
        ('format = "%d/%m/%Y %H:%M", timezone = "America/New_York"', "05/07/2026 10:00", at(2026, 7, 5, 9)),
        ('format = "%Y-%m-%dT%H:%M:%S%z"', "2026-01-05T15:00:00Z", at(2026, 1, 5, 9)),
        ('format = ["%Y%m%d%H%M%S%z", "%Y%m%d"]', "20260105160000+0100", at(2026, 1, 5, 9)),
        ('format = ["%Y%m%d%H%M%S%z", "%Y%m%d"]', "20260105", at(2026, 1, 5)),
        ('format = "%Y-%m-%dT%H:%M:%SZ"', "2026-01-05T15:00:00Z", at(2026, 1, 5, 15)),
        ('format = "%Y-%m-%dT%H:%M:%SZ", timezone = "UTC"', "2026-01-05T15:00:00Z", at(2026, 1, 5, 9)),
        ('timezone = "UTC"', "2026-01-05 15:00", at(2026, 1, 5, 9)),
        ('timezone = "UTC"', "2026-01-05T15:00-06:00", at(2026, 1, 5, 15)),
        ('separator = "T"', "2026-01-05T15:00Z", at(2026, 1, 5, 9)),
    ],
)
def test_times(export: Export, given: str, value: str, local: dt.datetime) -> None:
    export.write("visits.csv", "id,patient,start", f"V1,P1,{value}")
    made = export.delivered(bookings(starts_at=f'{{ column = "start", {given} }}'), "starts_at")
    with duckdb.connect() as connection:
        for statement in statements("macros"):
            connection.execute(statement)
        read = connection.execute(
            "select coalesce(as_local($made), timezone('America/Chicago', as_instant($made)))", {"made": made}
        ).fetchone()
    assert read == (local,)


def test_a_time_from_two_columns_and_ids_from_two_and_from_row_numbers(export: Export) -> None:
    export.write(
        "visits.csv", "patient,day,time,no", "P1,05/01/2026,09:15,1", "P1,06/01/2026,,2", "P1,06/01/2026,10:00,"
    )
    export.write("ae.csv", "visit,term", "P1/1,nausea", "P1/1,Headache")
    export.publish(
        bookings(
            booking_id='{ column = ["patient", "no"], separator = "/" }',
            starts_at='{ column = ["day", "time"], format = ["%d/%m/%Y %H:%M", "%d/%m/%Y"] }',
        )
        + '[side_effects]\nfile = "ae.csv"\n[side_effects.columns]\nevent_id = { row_number = "AE-" }\n'
        'booking_id = "visit"\neffect = "term"\n'
    )
    assert sorted(export.clinic.ask("select starts_at from bookings")) == [
        (at(2026, 1, 5, 9, 15),),
        (at(2026, 1, 6),),
    ]
    assert export.clinic.ask("select event_id, effect from side_effects order by all") == [
        ("AE-ae.csv-1", "nausea"), ("AE-ae.csv-2", "headache"),
    ]  # fmt: skip
    assert [row[1:3] for row in export.rejects()] == [(4, "booking_id")]


@pytest.mark.parametrize(
    ("name", "encoding", "options"),
    [
        ("visits.csv", "utf-8-sig", ""),
        ("visits.csv", "latin-1", 'encoding = "latin-1"'),
        ("visits.csv", "cp1252", 'encoding = "windows-1252"'),
        ("visits.csv", "utf-16", ""),
        ("visits.csv", "utf-16-le", 'encoding = "utf-16-le"'),
        ("visits.csv", "shift_jis", 'encoding = "shift_jis"'),
        ("visits.tsv", "utf-8", 'file = "*.tsv"'),
        ("visits.tsv", "utf-16", 'file = "*.tsv"\nencoding = "UTF-16"\ndelimiter = "\\t"'),
        ("sub/visits.txt", "utf-8", 'file = "sub/*.txt"\ndelimiter = "|"'),
        ("visits.csv.gz", "utf-8", 'file = "visits*"'),
        ("visits.bin", "cp1252", 'file = "visits.bin"\nencoding = "cp1252"'),
        ("semi.csv", "utf-8", 'file = "semi.csv"'),
        ("dollar.txt", "utf-8", 'file = "dollar.txt"\ndelimiter = "$"'),
    ],
)
def test_files_of_every_kind(export: Export, name: str, encoding: str, options: str) -> None:
    mark = {"sub/visits.txt": "|", "semi.csv": ";", "dollar.txt": "$"}.get(name, "\t" if ".tsv" in name else ",")
    quoted = f'"Web{mark}site"'
    rows = [
        ("id", "patient", "Herkunft é" if encoding != "shift_jis" else "備考", "start"),
        ("V1", "P1", quoted, "2026-01-05 09:00"),
    ]
    rows += [
        ("V2", "P2", '"two\r\nlines"', "2026-01-06 09:00"),
        ("V3", "P3", "x"),
        ("V4", "P4", '"say ""no"""', "2026-01-07 09:00"),
    ]
    export.write(name, *(mark.join(row) for row in rows), encoding=encoding, ending="\r\n")
    path = export.clinic.delivery / name
    if name.endswith((".gz", ".bin")):
        path.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    report = export.publish(bookings(f'channel = "{rows[0][2]}"', options))
    assert export.bookings("booking_id, channel") == [
        ("V1", f"web{mark}site"), ("V2", "two\r\nlines"), ("V4", 'say "no"'),
    ]  # fmt: skip
    assert [row[:2] for row in export.rejects()] == [(name, 5)]
    assert (report.rows_read, report.rows_accepted, report.rows_rejected) == (4, 3, 1)


def test_a_file_without_the_mark_of_its_encoding_is_refused(export: Export) -> None:
    export.write("visits.csv", "id,patient,start", "V1,P1,2026-01-05 09:00", encoding="utf-16-le")
    with pytest.raises(DeliveryError, match=r"visits\.csv has another encoding.*BOM.*utf-16-le"):
        export.publish(bookings("", 'encoding = "utf-16"'))
    assert export.publish(bookings("", 'encoding = "utf-16-le"')).rows_accepted == 1


def test_what_an_encoding_does_not_have_is_rejected_with_its_line(export: Export) -> None:
    content = "id,patient,start\nV1,P1,2026-01-05 09:00\nV2,Pé,2026-01-06 09:00\nV3,P?,2026-01-06 09:00\n".encode(
        "cp1252"
    )
    (export.clinic.delivery / "visits.csv").write_bytes(content.replace(b"?", b"\x81"))
    export.publish(bookings(options='encoding = "cp1252"'))
    assert export.bookings("booking_id") == [("V1",), ("V2",)]
    assert [row[1:] for row in export.rejects()] == [
        (4, None, None, "the record is not cp1252; name the encoding that the file is in")
    ]


def test_files_without_quotes_or_header(export: Export) -> None:
    export.write("visits.tsv", 'V1\tP1\t2026-01-05 09:00\t5" needle', 'V2\tP2\t2026-01-06 09:00\t"open', "V3\tP3")
    columns = {"booking_id": "1", "patient_id": "2", "starts_at": "3"}
    export.publish(
        bookings("indication = 4", 'file = "visits.tsv"\nheader = false\nquote = ""\ndelimiter = "\\t"', **columns)
    )
    assert export.bookings("booking_id, indication") == [("V1", '5" needle'), ("V2", '"open')]
    assert [row[1] for row in export.rejects()] == [3]


def test_parquet(export: Export) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select * from (values "
            "('V1', 7::bigint, timestamptz '2026-01-05 15:00Z', date '1991-01-06', 475.1::double, true, 45.0::double), "
            "('V2', 8, timestamptz '2026-01-06 15:00Z', null, 475.125, false, null), "
            "('V3', null, null, null, 1, null, null)) "
            """as t(id, patient, "Start At", dob, fee, form, age)) to $path (format parquet)""",
            {"path": str(export.clinic.delivery / "visits.parquet")},
        )
    report = export.publish(
        bookings(
            'birth_date = { column = "dob", format = "%d/%m/%Y" }\nprice = "fee"\nage = "age"\n'
            'side_effects_assessed = "form"\nbooked_at = "dob"',
            'file = "*.parquet"',
            starts_at='"start at"',
        )
    )
    assert export.bookings("booking_id, starts_at, age, price_cents, assessed, booked_on") == [
        ("V1", at(2026, 1, 5, 9), 34, 47510, True, dt.date(1991, 1, 6)),
    ]
    assert [row[:3] for row in export.rejects()] == [
        ("visits.parquet", 2, "price"), ("visits.parquet", 3, "patient_id"), ("visits.parquet", 3, "starts_at"),
    ]  # fmt: skip
    assert (report.rows_read, report.rows_accepted) == (3, 1)


def test_patient_ids_stay_out_of_the_extract_and_the_rejects(export: Export) -> None:
    """Where a subject's id is all there is, bookings and side effects are joined by its keyed hash."""
    export.write(
        "dm.csv",
        "USUBJID,RFSTDTC,SITEID",
        "SECRET-01,2026-01-05,chicago",
        "SECRET-01,2026-01-06,chicago",
        "SECRET-02,2026-01-06,mars",
    )
    export.write("ae.csv", "USUBJID,AESEQ,AETERM,AESEV", "SECRET-01,1,NAUSEA,MILD", "SECRET-09,1,NAUSEA,MILD")
    report = export.publish(
        bookings(
            options='file = "dm.csv"', booking_id='"USUBJID"', patient_id='"usubjid"', site='"SITEID"',
            starts_at='{ column = "RFSTDTC", format = "%Y-%m-%d" }',
        )
        + '[side_effects]\nfile = "ae.csv"\n[side_effects.columns]\n'
        'event_id = { column = ["USUBJID", "AESEQ"], separator = "-" }\nbooking_id = "USUBJID"\n'
        'effect = "AETERM"\nseverity = "AESEV"\n'
    )  # fmt: skip
    assert export.clinic.ask("select effect, severity from side_effects") == [("nausea", "mild")]
    [[booking, patient]] = export.bookings("booking_id, patient")
    assert len(booking) == 20
    assert int(booking[:15], 16) == patient
    text = "\n".join(report.lines())
    assert "bookings.booking_id (column USUBJID)" in text
    assert "SECRET" not in text
    assert b"SECRET" not in export.clinic.report.path.read_bytes()
    assert [row[2:4] for row in export.rejects()] == [("booking_id", "(not shown)")] * 2 + [("site", "mars")]


def test_a_text_column_made_of_patient_ids_is_refused(export: Export) -> None:
    export.write("visits.csv", "id,patient,start", "V1,P1,2026-01-05 09:00")
    with pytest.raises(
        DeliveryError, match=r"\[bookings.columns\] provider: the column Patient says who a patient is"
    ):
        export.publish(bookings('provider = "Patient"'))


def test_words_for_nothing(export: Export) -> None:
    export.write("visits.csv", "id,patient,start,sex", "V1,P1,2026-01-05 09:00,NA", "V2,NULL,2026-01-05 09:00,F")
    export.publish(bookings('sex = "sex"', 'empty = ["NA", "NULL"]'))
    assert export.bookings("booking_id, sex") == [("V1", None)]
    assert [row[2:] for row in export.rejects()] == [("patient_id", None, "is empty; source column: patient")]


def test_a_column_named_twice_is_taken_by_number(export: Export) -> None:
    export.write("visits.csv", "id,patient,Date,Date", "V1,P1,2026-01-01 09:00,2026-01-05 09:00")
    with pytest.raises(DeliveryError, match="'Date' stands more than once; give its number instead, 3 or 4"):
        export.publish(bookings(starts_at='"Date"'))
    export.publish(bookings(starts_at="4", booked_at="3"))
    assert export.bookings("starts_at, lead_days") == [(at(2026, 1, 5, 9), 4)]


def test_payments_and_scores_from_the_file_of_the_visits(export: Export) -> None:
    export.write(
        "visits.csv", "id,patient,start,paid,phq",
        "V1,P1,2026-01-05 09:00,(50.00),14", "V2,P1,2026-01-06 09:00,-5,28", "V3,P1,2026-01-07 09:00,$20,",
    )  # fmt: skip
    export.publish(
        bookings()
        + '[payments]\nfile = "visits.csv"\n[payments.columns]\npayment_id = "id"\npatient_id = "patient"\n'
        'booking_id = "id"\npaid_at = "start"\nkind = { constant = "refund" }\n'
        'amount = { column = "paid", currency = "$" }\n'
        '[scores]\nfile = "visits.csv"\n[scores.columns]\nscore_id = "id"\npatient_id = "patient"\n'
        'instrument = { constant = "PHQ-9" }\ntaken_at = "start"\nscore = "phq"\n'
    )
    assert export.clinic.ask("select amount_cents from payments order by payment_id") == [(5000,), (500,), (2000,)]
    assert export.clinic.ask("select score from scores") == [(14,)]
    assert [row[1:4] for row in export.rejects()] == [(3, "score", "28"), (4, "score", None)]


def test_a_dry_run_says_what_would_be_and_leaves_nothing(export: Export) -> None:
    export.write("visits.csv", "id,patient,start", "V1,P1,2026-01-05 09:00", "V2,P1,noon")
    export.write("notes.csv", "a", "b")
    export.mapping.write_text(bookings(), encoding="utf-8")
    options = [str(export.clinic.delivery), "--mapping", str(export.mapping), "--data", str(export.clinic.data)]
    dry = CliRunner().invoke(import_command, [*options, "--dry-run"])
    assert dry.exit_code == 0
    for words in ("dry run: nothing was published", "visits.csv line 3: starts_at", "takes nothing from: notes.csv"):
        assert words in dry.output
    assert pointer.current(export.clinic.data / "extracts") is None
    assert not list(export.clinic.data.rglob("*.duckdb"))
    assert not (export.clinic.data / "state").exists()
    done = CliRunner().invoke(import_command, options)
    assert (done.exit_code, "published extract-" in done.output) == (0, True)


def test_the_extracts_name_depends_on_mapping_and_joined_files(export: Export) -> None:
    export.write("visits.csv", "id,patient,start", "V1,P1,2026-01-05 09:00")
    export.write("p.csv", "patient,sex", "P1,F")
    joined = 'sex = { join = { file = "p.csv", key = "patient" }, column = "sex" }'
    names = {export.publish(bookings(joined)).name.split("-")[2] for _ in range(2)}
    export.write("p.csv", "patient,sex", "P1,M")
    names.add(export.publish(bookings(joined)).name.split("-")[2])
    names.add(export.publish(bookings()).name.split("-")[2])
    assert len(names) == 3
