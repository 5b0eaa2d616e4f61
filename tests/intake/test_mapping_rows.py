"""Rows that a mapping leaves out on purpose: which they are, that they are counted, and where that is told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_clinic import Export, bookings

from dashboard import exports, filters
from dashboard.access import Role, Viewer
from dashboard.intake.commands import import_command
from dashboard.intake.compare import differing
from dashboard.intake.contract import DeliveryError
from dashboard.intake.mapping.expressions import Expressions
from dashboard.intake.mapping.file import load_mapping
from dashboard.intake.reading.finding import find_sources
from dashboard.intake.reading.reader import expressions, survey, view_of
from dashboard.intake.reference import load_reference
from dashboard.panels import PANELS, rows
from dashboard.settings import Settings
from dashboard.warehouse import Reader, Warehouse

HEADER = "id,patient,start,Type"
#: As a diary has them: patients' visits, lunch, blocked times, and a line that is broken.
DIARY = (
    HEADER,
    "V1,P1,2026-01-05 09:00,Infusion",
    ",,12:00,Lunch",
    "V2,P1,2026-01-06 09:00, drip ",
    "V3,P2,soon,Infusion",
    "V4,P2,2026-01-07 09:00,",
    "V1,P1,2026-01-05 09:00,BLOCKED",
    "Lunch",
    "V5,P3,2026-01-08 09:00,Infusion",
)


def told(export: Export) -> list[tuple[object, ...]]:
    return export.clinic.ask("select source, file, what, rows, reason from left_out order by all")


def counts(export: Export) -> list[tuple[object, ...]]:
    return export.clinic.ask(
        "select file, rows_read, rows_accepted, rows_rejected, rows_left_out from sources order by all"
    )


@pytest.mark.parametrize(
    ("options", "accepted", "lines", "left"),
    [
        ('only = { column = "Type", values = ["Infusion", "Drip"] }', "V1 V2 V5", [5, 8], 3),
        ('only = { column = " type ", values = [" INFUSION"] }', "V1 V5", [5, 8], 4),
        ("only = { column = 4, values = 'drip' }", "V2", [8], 6),
        ('only = { column = "Type", values = "" }', "V4", [8], 6),
        ('except = { column = "Type", values = ["Lunch", "Blocked"] }', "V1 V2 V4 V5", [5, 8], 2),
        ('except = { column = "Type", values = ["lunch", "blocked", ""] }', "V1 V2 V5", [5, 8], 3),
        ('except = [{ column = "Type", values = "lunch" }, { column = "id", values = "V2" }]', "V1 V4 V5", [5, 7, 8], 2),
        ('only = [{ column = "Type", values = "infusion" }, { column = 2, values = "P1" }]', "V1", [8], 6),
        ('except = { column = "id", values = ["v2", "V3", ""] }', "V1 V4 V5", [7, 8], 3),
        ('empty = "Lunch"\nexcept = { column = "Type", values = "Lunch" }', "V1 V2 V5", [5, 7, 8], 2),
        (
            'only = { column = "Type", values = ["Infusion", "Blocked"] }\nexcept = { column = "start", values = "soon" }',
            "V1 V5", [7, 8], 4,
        ),
    ],
)  # fmt: skip
def test_rows_are_left_out_and_counted(
    export: Export, options: str, accepted: str, lines: list[int], left: int
) -> None:
    """Lines are those of the file, whichever rows between them are left out; a broken one is always rejected."""
    export.write("visits.csv", *DIARY)
    report = export.publish(bookings(options=options))
    assert " ".join(booking for [booking] in export.bookings("booking_id")) == accepted
    assert sorted({row[1] for row in export.rejects()}) == lines
    assert counts(export) == [("visits.csv", 8, len(accepted.split()), len(lines), left)]
    assert report.rows_left_out == left
    assert report.rows_read == report.rows_accepted + report.rows_rejected + report.rows_left_out


def test_where_the_report_tells_it(export: Export, tmp_path: Path) -> None:
    export.write("visits.csv", *DIARY)
    mapping = bookings(
        options='only = { column = "Type", values = ["Infusion", "Blocked"] }\n'
        'except = { column = "Type", values = ["blocked"] }'
    )
    export.mapping.write_text(mapping, encoding="utf-8")
    options = [str(export.clinic.delivery), "--mapping", str(export.mapping), "--data", str(export.clinic.data)]
    file, mend = tmp_path / "report.json", tmp_path / "to-mend"
    done = CliRunner().invoke(import_command, [*options, "--report", str(file), "--rejects", str(mend)])
    lines = done.output.splitlines()
    table = [line.split() for line in lines if line.startswith(("file ", "visits.csv  ", "total"))]
    assert table == [
        ["file", "read", "accepted", "rejected", "left", "out"],
        ["visits.csv", "8", "2", "2", "4"],
        ["total", "8", "2", "2", "4"],
    ]
    start = lines.index("left out, by the mapping:")
    assert lines[start + 1 : start + 3] == [
        "  1 × bookings: except of [bookings], column Type",
        "  3 × bookings: only of [bookings], column Type",
    ]
    assert not any("no place" in line for line in lines)
    report = json.loads(file.read_text())
    assert report["rows"] == {"read": 8, "accepted": 2, "rejected": 2, "left_out": 4}
    assert (report["files"][0]["rows_left_out"], report["files"][0]["ignored"]) == (4, [])
    assert {
        "source": "bookings",
        "what": "bookings",
        "reason": "only of [bookings], column Type",
        "rows": 3,
    } in report["left_out"]
    assert (mend / "visits-rejects.csv").read_text() == "\n".join([HEADER, DIARY[4], DIARY[7], ""])
    export.publish(mapping)
    assert export.clinic.report.summary == "2 rows accepted + 2 rejected + 4 left out = 8 read"
    assert told(export) == [
        ("bookings", "visits.csv", "bookings", 1, "except of [bookings], column Type"),
        ("bookings", "visits.csv", "bookings", 3, "only of [bookings], column Type"),
    ]


def test_a_row_left_out_is_checked_in_nothing_else(export: Export) -> None:
    """Neither in its values, nor against a second file, nor against other rows; others keep their numbers."""
    export.write(
        "visits.csv", "patient,start,Type,Clinic,result",
        "P1,x,Lunch,X,?", "P1,2026-01-05 09:00,Visit,C,Done", ",,Lunch,,", "P9,2026-01-05 09:00,Visit,X,Done",
    )  # fmt: skip
    export.write("sites.csv", "Code,Name", "C,chicago")
    export.publish(
        bookings(
            options='except = { column = "Type", values = ["Lunch"] }',
            booking_id='{ row_number = "B-" }',
            site='{ join = { file = "sites.csv", key = "Clinic", other_key = "Code" }, column = "Name" }',
            status='{ column = "result", values = { Done = "completed" } }',
            starts_at='{ column = "start", format = "%Y-%m-%d %H:%M" }',
        )
    )
    assert export.bookings("booking_id, site") == [("B-visits.csv-2", "chicago")]
    assert [row[1:4] for row in export.rejects()] == [(5, "site", None)]
    assert counts(export) == [("visits.csv", 4, 1, 1, 2)]


def test_every_table_and_several_files(export: Export) -> None:
    export.write("visits-1.csv", *DIARY[:3])
    export.write("visits-2.csv", HEADER, *DIARY[2:4])
    export.write("ae.csv", "no,visit,term,kind", "1,V1,nausea,AE", ",,,note", "2,V2,rash,ae")
    export.write("pay.csv", "no,who,when,sum,state", "1,P1,2026-01-05,5,paid", "2,P1,2026-01-05,5,failed", ",,,,")
    export.write("crf.csv", "no,who,when,sum,form", "1,P1,2026-01-05 08:00,5,phq9", "1,,,,vitals", "2,P1,x,5,PHQ9")
    report = export.publish(
        bookings(options='file = "visits-*.csv"\nexcept = { column = "Type", values = ["Lunch"] }')
        + '[side_effects]\nfile = "ae.csv"\nonly = { column = "kind", values = ["AE"] }\n[side_effects.columns]\n'
        'event_id = "no"\nbooking_id = "visit"\neffect = "term"\n'
        '[payments]\nfile = "pay.csv"\nexcept = { column = "state", values = ["failed", ""] }\n[payments.columns]\n'
        'payment_id = "no"\npatient_id = "who"\nkind = { constant = "payment" }\namount = "sum"\n'
        'paid_at = { column = "when", format = "%Y-%m-%d" }\n'
        '[scores]\nfile = "crf.csv"\nonly = { column = "form", values = ["phq9"] }\n[scores.columns]\n'
        'score_id = "no"\npatient_id = "who"\ninstrument = { constant = "PHQ-9" }\ntaken_at = "when"\nscore = "sum"\n'
    )
    assert counts(export) == [
        ("ae.csv", 3, 2, 0, 1), ("crf.csv", 3, 1, 1, 1), ("pay.csv", 3, 1, 0, 2), ("visits-1.csv", 2, 1, 0, 1),
        ("visits-2.csv", 2, 1, 0, 1),
    ]  # fmt: skip
    assert [(left.source, left.rows) for left in report.left_out] == [
        ("bookings", 2), ("payments", 2), ("scores", 1), ("side_effects", 1),
    ]  # fmt: skip


def test_numbers_and_flags_of_parquet_and_lines_of_utf_16(export: Export) -> None:
    path = export.clinic.delivery / "visits.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select unnest(['V1', 'V2', 'V3']) as id, 'P1' as patient, '2026-01-05 09:00' as start, "
            f"unnest([1.0::double, 2.0, null]) as code, unnest([true, true, false]) as billed) to '{path}'"
        )
    given = 'file = "visits.parquet"\nonly = { column = "code", values = ["1", "2"] }\n'
    export.publish(bookings(options=given + 'except = { column = "code", values = "2" }'))
    assert (export.bookings("booking_id"), counts(export)) == ([("V1",)], [("visits.parquet", 3, 1, 0, 2)])
    export.publish(
        bookings(options='file = "visits.parquet"\nexcept = { column = "billed", values = "TRUE" }'),
    )
    assert export.bookings("booking_id") == [("V3",)]
    path.unlink()
    export.write("visits.csv", HEADER, "V1,P1,2026-01-05 09:00,ÜBUNG", "V2,P1,2026-01-06 09:00,x", encoding="utf-16")
    export.publish(bookings(options='except = { column = "Type", values = "Übung" }'))
    assert export.bookings("booking_id") == [("V2",)]


def test_all_rows_left_out(export: Export) -> None:
    export.write("visits.csv", *DIARY)
    with pytest.raises(DeliveryError) as refusal:
        export.publish(bookings(options='only = { column = "Type", values = ["Consultation"] }'))
    for words in (
        "no row of bookings was accepted",
        ". The mapping leaves out 7 rows by only of [bookings], column Type",
        "line 8",
    ):
        assert words in str(refusal.value)


def test_the_words_of_a_filter_are_told_nowhere(export: Export) -> None:
    """They may be a patient's: those of the rows for tests and trainings."""
    export.write("visits.csv", HEADER, "V1,P1,2026-01-05 09:00,x", "V2,TEST-PERSON,2026-01-06 09:00,x")
    report = export.publish(bookings(options='except = { column = "patient", values = ["test-person"] }'))
    assert "column patient" in "\n".join(report.lines())
    assert "person" not in "\n".join(report.lines()).lower()
    assert b"test-person" not in report.path.read_bytes().lower()


def test_an_addition_leaves_rows_out_as_a_delivery_of_all_does(tmp_path: Path) -> None:
    added, whole = (tmp_path / name for name in ("added", "whole"))
    mapping = bookings(options='file = "visits-*.csv"\nexcept = { column = "Type", values = ["Lunch"] }')
    later = (
        HEADER, "V1,P1,2026-01-05 10:00,Infusion", ",,12:00,lunch", "V6,P3,never,Drip", "V7,P3,2026-01-09 09:00,",
    )  # fmt: skip
    made = []
    for folder in (added, whole):
        folder.mkdir()
        made.append(Export(folder))
    first, second = made
    first.write("visits-1.csv", *DIARY)
    first.publish(mapping)
    (first.clinic.delivery / "visits-1.csv").unlink()
    first.write("visits-0.csv", *later)
    report = first.publish(mapping, add=True)
    base = report.review.compared_with
    # V1 of the extract is replaced and no row of it any more.
    assert counts(first) == [(base, 3, 3, 0, 0), ("visits-0.csv", 4, 2, 1, 1)]
    assert told(first) == [("bookings", "visits-0.csv", "bookings", 1, "except of [bookings], column Type")]
    second.write("visits-0.csv", *later)
    second.write("visits-1.csv", *DIARY)
    shutil.copytree(first.clinic.data / "state", second.clinic.data / "state")
    second.publish(mapping)
    assert differing(first.clinic.report.path, second.clinic.report.path) == []


def test_an_addition_of_nothing_but_rows_left_out_is_one_without_rows(export: Export) -> None:
    mapping = bookings(options='except = { column = "Type", values = ["Lunch"] }')
    export.write("visits.csv", *DIARY)
    export.publish(mapping)
    export.write("visits.csv", HEADER, ",,12:00,Lunch")
    export.publish(mapping, add=True)
    assert ("visits.csv", 1, 0, 0, 1) in counts(export)
    export.write("visits.csv", HEADER, ",,12:00,Lunch", "V1,P1,soon,x")
    with pytest.raises(DeliveryError, match="no row was accepted, so nothing was added"):
        export.publish(mapping, add=True)


def test_nothing_is_done_where_no_filter_is_given(export: Export) -> None:
    export.write("visits.csv", *DIARY)

    def view(options: str) -> str:
        export.mapping.write_text(bookings(options=options), encoding="utf-8")
        loaded = load_mapping(export.mapping, load_reference())
        surveyed = survey(find_sources(export.clinic.delivery, loaded)[0], lambda _: None)
        made = expressions(surveyed, {})
        assert isinstance(made, Expressions)
        return view_of(surveyed, surveyed.source.path, made)

    assert "left_out" not in view("")
    assert view('only = { column = "Type", values = ["Infusion"] }').count(" in (lower('Infusion'))") == 1
    report = export.publish(bookings())
    assert not any("left out" in line for line in report.lines())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ('only = "Infusion"', ["[bookings] only", "table with column and values"]),
        ('except = ["Lunch"]', ["[bookings] except", "table with column and values"]),
        ("except = []", ["[bookings] except", "or a list of such"]),
        ("only = {}", ["table with column and values"]),
        ('only = { column = "Type" }', ["table with column and values"]),
        ('only = { values = ["x"] }', ["table with column and values"]),
        ('only = { column = "Type", values = ["x"], case = true }', ["'case'", "known: column, values"]),
        ('only = { column = "Type", values = [] }', ["values must be a list of words"]),
        ('only = { column = "Type", values = { a = "b" } }', ["values must be a list of words"]),
        ('except = { column = "Type", values = [1] }', ["values must be a text in quotes, not 1"]),
        ('except = { column = true, values = ["x"] }', ["name of a column in quotes, or its number"]),
        ('except = { column = ["id", "Type"], values = ["x"] }', ["name of a column in quotes"]),
        ('only = { column = "Typ", values = ["x"] }', ["visits.csv for only of [bookings]", "'Typ'", "did you mean Type"]),
        ("except = { column = 9, values = ['x'] }", ["visits.csv for except of [bookings]", "no column number 9", "has 4"]),
        ('exept = { column = "Type", values = ["x"] }', ["'exept'", "did you mean except"]),
    ],
)  # fmt: skip
def test_faults_of_a_filter(export: Export, options: str, words: list[str]) -> None:
    export.write("visits.csv", *DIARY)
    with pytest.raises(DeliveryError) as refusal:
        export.publish(bookings(options=options))
    for word in words:
        assert word in str(refusal.value)


def test_rows_that_a_join_leaves_out_have_no_key(export: Export) -> None:
    """Of two visits a day the one that took place is found; of one that was cancelled nothing is."""
    export.write("visits.csv", "id,patient,start", "V1,P1,2026-01-05", "V2,P2,2026-01-05", "V3,P3,2026-01-05")
    export.write(
        "log.csv", "who,when,State,sex",
        "P1,2026-01-05,CANCELED,x", "P1,2026-01-05,seen,f", "P2,2026-01-05,,m", "P3,2026-01-05,canceled,x",
    )  # fmt: skip
    join = 'file = "log.csv", key = ["patient", "start"], other_key = ["who", "when"], %s = { column = "State", values = %s }'
    for setting, words in (("except", '["Canceled"]'), ("only", '["seen", ""]')):
        sex = f'{{ join = {{ {join % (setting, words)} }}, column = "sex" }}'
        start = '{ column = "start", format = "%Y-%m-%d" }'
        report = export.publish(bookings(f"sex = {sex}", starts_at=start))
        assert export.bookings("booking_id, sex") == [("V1", "f"), ("V2", "m"), ("V3", None)]
        assert "log.csv: 2 rows are left out of the join log.csv" in report.lines()


def test_numbers_of_a_joined_parquet_file_are_compared_as_they_are_written(export: Export) -> None:
    export.write("visits.csv", "id,patient,start", "V1,P1,2026-01-05 09:00")
    path = export.clinic.delivery / "log.parquet"
    duckdb.sql("select 'P1' as who, 1.0::double as state, 'f' as sex union all select 'P1', 2, 'x'").write_parquet(
        str(path)
    )
    join = 'file = "log.parquet", key = "patient", other_key = "who", only = { column = "state", values = ["1"] }'
    export.publish(bookings(f'sex = {{ join = {{ {join} }}, column = "sex" }}'))
    assert export.bookings("sex") == [("f",)]


def test_faults_of_a_joins_filter_are_told(export: Export) -> None:
    export.write("visits.csv", *DIARY)
    export.write("p.csv", "patient,s", "P1,f")
    for option, said in (('{ column = "x" }', "column and values"), ('{ column = "x", values = "y" }', "x")):
        joined = f'sex = {{ join = {{ file = "p.csv", key = "patient", only = {option} }}, column = "s" }}'
        with pytest.raises(DeliveryError, match=said):
            export.publish(bookings(joined))


word = st.sampled_from(["Infusion", "lunch", "", " Drip ", "é", "İ", "'", '"', "a\nb", "x" * 300])


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(word, word, st.sampled_from(["V1,P1,2026-01-05 09:00", ",,", "V2,P", '"'])), max_size=12),
    st.lists(word, min_size=1, max_size=3),
    st.lists(word, min_size=1, max_size=3),
)
def test_read_is_accepted_rejected_and_left_out(
    tmp_path_factory: pytest.TempPathFactory, given_rows: list[tuple[str, str, str]], only: list[str], drop: list[str]
) -> None:
    """And what is left out is what Python's own reading of the settings would leave out."""
    folder = tmp_path_factory.mktemp("rows")
    export = Export(folder)
    written = [
        f'{start},"{one.replace(chr(34), chr(34) * 2)}","{two.replace(chr(34), chr(34) * 2)}"'
        for one, two, start in given_rows
    ]
    export.write("visits.csv", "id,patient,start,A,B", "V0,P0,2026-01-04 09:00,keep,keep", *written)
    texts = ", ".join(json.dumps(text) for text in [*only, "keep"])
    report = export.publish(
        bookings(
            options=f'only = {{ column = "A", values = [{texts}] }}\n'
            f'except = {{ column = "B", values = [{", ".join(map(json.dumps, drop))}] }}'
        )
    )
    [file] = report.files
    assert file.rows_read == file.rows_accepted + file.rows_rejected + file.rows_left_out
    assert file.rows_rejected == len({line for _, line, *_ in export.rejects()})
    if not any('"' in start or start == "V2,P" for _, _, start in given_rows):
        wanted, unwanted = ({small(text) for text in texts} for texts in ([*only, "keep"], drop))
        left = sum(small(one) not in wanted or small(two) in unwanted for one, two, _ in given_rows)
        assert file.rows_left_out == left


def small(text: str) -> str:
    return text.strip().replace("İ", "i").lower()


def test_the_data_page_tells_it(export: Export) -> None:
    export.write("visits.csv", *DIARY)
    for left, sources, whole, reasons in (
        (
            '["Lunch", "Blocked"]',
            "4 rows accepted + 2 rejected + 2 left out = 8 rows read",
            "2 rows are left out by the mapping",
            "2 rows were rejected for 2 reasons",
        ),
        (
            '"?"',
            "4 rows accepted + 4 rejected = 8 rows read",
            "Everything delivered has a place here",
            "4 rows were rejected for 5 reasons; 1 row has more than one",
        ),
    ):
        report = export.publish(bookings(options=f'except = {{ column = "Type", values = {left} }}'))
        reader = Reader(Warehouse(report.path, Settings(data=export.clinic.data)), Viewer("a", "A", Role.ADMIN))
        chosen = filters.parse({}, exports.scope_of(reader))
        answers = {}
        for name in ("sources", "left_out", "reject_reasons"):
            answer = PANELS[name].answer
            assert answer is not None
            answers[name] = answer(rows(reader, name, chosen))
        assert answers == {"sources": sources, "left_out": whole, "reject_reasons": reasons}
