"""Several sections of a mapping for one table: all are read, told apart, and checked as one."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_clinic import Export, bookings

from dashboard.intake.compare import differing
from dashboard.intake.contract import DeliveryError
from dashboard.intake.mapping.file import load_mapping
from dashboard.intake.publish import Rules
from dashboard.intake.reference import load_reference

VISITS = ("id,patient,start", "V1,P1,2026-01-05 09:00", "V2,P2,2026-01-06 09:00")
CHARGES = (
    "id,Customer ID,Created,Amount,Amount Refunded,Refunded,Status",
    "ch_1,P1,2026-01-05 10:00,475.00,0.00,,Paid",
    "ch_2,P1,2026-01-06 10:00,175.00,75.00,2026-01-09 10:00,Refunded",
    "ch_3,P2,2026-01-07 10:00,99.00,0.00,,Failed",
    "ch_4,P2,2026-01-08 10:00,oops,20.00,never,Paid",
)
PAYMENT = """
[[payments]]
file = "payments.csv"
except = { column = "Status", values = ["Failed"] }
[payments.columns]
payment_id = "id"
patient_id = "Customer ID"
paid_at = "Created"
kind = { constant = "payment" }
amount = "Amount"
"""
REFUND = """
[[payments]]
file = "payments.csv"
except = { column = "Amount Refunded", values = ["0.00", ""] }
[payments.columns]
payment_id = { column = ["id", "Refunded"] }
patient_id = "Customer ID"
paid_at = "Refunded"
kind = { constant = "refund" }
amount = "Amount Refunded"
"""
RECORDS = (
    "record_id,redcap_event_name,taken,phq9_total,gad7_total",
    "P1,baseline,2026-01-05 08:00,21,15",
    "P1,week_1,2026-01-12 08:00,12,",
    "P2,baseline,2026-01-06 08:00,,22",
)


def instrument(name: str, prefix: str, score_id: str = "") -> str:
    score_id = score_id or f'{{ column = ["record_id", "redcap_event_name"], separator = "-{prefix}-" }}'
    return (
        f'[[scores]]\nfile = "redcap.csv"\nexcept = {{ column = "{prefix}_total", values = "" }}\n[scores.columns]\n'
        f'score_id = {score_id}\npatient_id = "record_id"\ninstrument = {{ constant = "{name}" }}\n'
        f'taken_at = "taken"\nscore = "{prefix}_total"\n'
    )


def test_a_charge_and_its_refund_in_one_row(export: Export, tmp_path: Path) -> None:
    export.write("visits.csv", *VISITS)
    export.write("payments.csv", *CHARGES)
    report = export.publish(bookings() + PAYMENT + REFUND, rejects=tmp_path / "to-mend")
    assert export.clinic.ask("select payment_id, kind, amount_cents, paid_on from payments order by all") == [
        ("ch_1", "payment", 47500, dt.date(2026, 1, 5)),
        ("ch_2", "payment", 17500, dt.date(2026, 1, 6)),
        ("ch_2 2026-01-09 10:00", "refund", 7500, dt.date(2026, 1, 9)),
    ]
    assert [
        (file.source, file.file, file.rows_read, file.rows_accepted, file.rows_rejected, file.rows_left_out)
        for file in report.files
    ] == [
        ("bookings", "visits.csv", 2, 2, 0, 0),
        ("payments", "payments.csv", 4, 2, 1, 1),
        ("payments", "payments.csv (2)", 4, 1, 1, 2),
    ]
    assert [row[:4] for row in export.rejects()] == [
        ("payments.csv", 5, "amount", "oops"),
        ("payments.csv (2)", 5, "paid_at", "never"),
    ]
    assert [(left.reason, left.rows) for left in report.left_out] == [
        ("except of [payments] number 1, column Status", 1),
        ("except of [payments] number 2, column Amount Refunded", 2),
    ]
    # A line that both reject is written once.
    assert [path.name for path in (tmp_path / "to-mend").iterdir()] == ["payments-rejects.csv"]
    assert (tmp_path / "to-mend" / "payments-rejects.csv").read_text().splitlines() == [CHARGES[0], CHARGES[4]]
    # What the second section reads is read.
    assert (report.files[1].ignored, report.files[2].ignored) == ((), ())


def test_two_questionnaires_in_one_row(export: Export) -> None:
    """Ids made of patients' are keyed in both sections."""
    export.write("visits.csv", *VISITS)
    export.write("redcap.csv", *RECORDS)
    report = export.publish(bookings() + instrument("PHQ-9", "phq9") + instrument("GAD-7", "gad7"))
    assert export.clinic.ask("select instrument, score, taken_on from scores order by all") == [
        ("GAD-7", 15, dt.date(2026, 1, 5)),
        ("PHQ-9", 12, dt.date(2026, 1, 12)),
        ("PHQ-9", 21, dt.date(2026, 1, 5)),
    ]
    assert [row[:4] for row in export.rejects()] == [("redcap.csv (2)", 4, "score", "22")]
    [note] = [note for note in report.notes if "keyed hash" in note]
    assert note.count("scores.score_id") == 1
    assert export.clinic.one("select count(distinct score_id) from scores where length(score_id) = 20") == 3


def test_what_no_section_reads_of_a_file_is_told_once(export: Export) -> None:
    export.write("visits.csv", *VISITS)
    export.write("redcap.csv", f"{RECORDS[0]},pcl5_total,pcl5_total", *(f"{line},1,2" for line in RECORDS[1:]))
    report = export.publish(bookings() + instrument("PHQ-9", "phq9") + instrument("GAD-7", "gad7"))
    told = [line for line in report.lines() if "not read" in line]
    assert told == ["redcap.csv: columns not read: pcl5_total, pcl5_total"]


def test_the_examples_of_the_documentation(export: Export) -> None:
    text = (Path(__file__).parents[2] / "docs" / "mapping.md").read_text(encoding="utf-8")
    stripe, redcap = re.findall(r"```toml\n(.*?)```", text.partition("## One row, two records")[2], re.DOTALL)[:2]
    export.write("visits.csv", *VISITS)
    export.write(
        "payments.csv",
        "id,Created date (UTC),Amount,Amount Refunded,Refunded date (UTC),Status,Customer ID",
        "ch_1,2026-01-05 16:00:00,475.00,0.00,,Paid,P1",
        "ch_2,2026-01-06 16:00:00,175.00,75.00,2026-01-09 16:00:00,Refunded,P2",
        "ch_3,2026-01-07 16:00:00,99.00,0.00,,Failed,P2",
    )
    export.write("redcap.csv", *(line.replace("taken", "visit_date") for line in RECORDS[:3]))
    report = export.publish(bookings() + stripe + redcap)
    assert export.clinic.ask("select kind, amount_cents, paid_at from payments order by paid_at") == [
        ("payment", 47500, dt.datetime(2026, 1, 5, 10)),
        ("payment", 17500, dt.datetime(2026, 1, 6, 10)),
        ("refund", 7500, dt.datetime(2026, 1, 9, 10)),
    ]
    assert export.clinic.ask("select instrument, score from scores order by all") == [
        ("GAD-7", 15), ("PHQ-9", 12), ("PHQ-9", 21),
    ]  # fmt: skip
    assert (report.rows_rejected, report.rows_left_out) == (0, 4)


def test_bookings_of_two_systems(export: Export) -> None:
    """In the order of the sections; what is a patient's id in one of them is one in the other, too."""
    export.write("old.csv", "no;who;when", "1;P1;05.01.2026", "2;P2;06.01.2026", "3;P3;x")
    export.write("new.csv", "id,patient,start", "2,P2,2026-01-07 09:00", "4,P4,2026-01-08 09:00")
    old = (
        '[[bookings]]\nfile = "old.csv"\ndelimiter = ";"\n[bookings.columns]\nbooking_id = "no"\npatient_id = "who"\n'
        'site = { constant = "dallas" }\nservice = { constant = "vitamin-c" }\nstatus = { constant = "completed" }\n'
        'starts_at = { column = "when", format = "%d.%m.%Y" }\n'
    )
    new = bookings(options='file = "new.csv"').replace("[bookings]", "[[bookings]]")
    export.publish(old + new)
    assert export.bookings("booking_id, site") == [("1", "dallas"), ("2", "dallas"), ("4", "chicago")]
    assert [row[:3] for row in export.rejects()] == [("new.csv", 2, "booking_id"), ("old.csv", 4, "starts_at")]
    export.publish(new + old, rules=Rules(accept_drop=True))
    assert export.bookings("booking_id, site") == [("1", "dallas"), ("2", "chicago"), ("4", "chicago")]
    with pytest.raises(DeliveryError, match=r"\[bookings\] number 1, column provider: the column Patient says who"):
        export.publish(old + 'provider = "Patient"\n' + new)
    with pytest.raises(DeliveryError, match=r"\[bookings\] number 2, column sex: the column who says who"):
        export.publish(old + new + 'sex = "who"\n')


def test_one_section_in_brackets_twice_is_one_in_brackets_once(export: Export) -> None:
    export.write("visits.csv", *VISITS)
    one = bookings()
    export.mapping.write_text(one, encoding="utf-8")
    first = load_mapping(export.mapping, load_reference())
    export.mapping.write_text(one.replace("[bookings]", "[[bookings]]"), encoding="utf-8")
    second = load_mapping(export.mapping, load_reference())
    assert first.sections == second.sections
    assert first.sections[0].section == "[bookings]"


def test_row_numbers_of_one_file_differ_by_section(export: Export) -> None:
    export.write("visits.csv", *VISITS)
    export.write("redcap.csv", *RECORDS[:2])
    numbered = [instrument(*one, score_id='{ row_number = "S-" }') for one in (("PHQ-9", "phq9"), ("GAD-7", "gad7"))]
    export.publish(bookings() + "".join(numbered))
    assert export.clinic.ask("select score_id, instrument from scores order by all") == [
        ("S-redcap.csv (2)-1", "GAD-7"), ("S-redcap.csv-1", "PHQ-9"),
    ]  # fmt: skip
    assert not any("duplicate" in note for note in export.clinic.report.notes)


def test_ids_that_are_the_same_in_two_sections(export: Export) -> None:
    export.write("visits.csv", *VISITS)
    export.write("payments.csv", *CHARGES[:3])
    filtered = REFUND.replace('{ column = ["id", "Refunded"] }', '"id"')
    unfiltered = PAYMENT.replace("except = ", "# ")
    report = export.publish(bookings() + unfiltered + filtered)
    [note] = [note for note in report.notes if "duplicate" in note]
    assert note.startswith(
        "[payments] number 1 and [payments] number 2 both read payments.csv and make payment_id of id"
    )
    assert "Make the ids differ" in note
    assert [row[:3] for row in export.rejects()] == [("payments.csv (2)", 3, "payment_id")]
    only = [
        section.replace("except = ", "# ", 1).replace("[payments.col", f"{line}\n[payments.col", 1)
        for section, line in (
            (PAYMENT, 'only = { column = "Status", values = "Paid" }'),
            (filtered, 'except = { column = "Status", values = "Paid" }'),
        )
    ]
    report = export.publish(bookings() + "".join(only))
    assert (export.rejects(), [note for note in report.notes if "duplicate" in note]) == ([], [])


def test_joins_left_over_files_and_the_extracts_name(export: Export) -> None:
    """Every section's files and joins are known, and each section finds what it joins."""
    export.write("a.csv", "id,patient,start", "V1,P1,2026-01-05 09:00")
    export.write("b.csv", "id,patient,start", "V2,P2,2026-01-06 09:00")
    export.write("people.csv", "patient,sex", "P1,F", "P2,M")
    export.write("rest.csv", "x")
    joined = 'sex = { join = { file = "people.csv", key = "patient" }, column = "sex" }'
    sections = [
        bookings(joined, options=f'file = "{name}.csv"').replace("[bookings]", "[[bookings]]") for name in "ab"
    ]
    report = export.publish("".join(sections))
    assert export.bookings("booking_id, sex") == [("V1", "f"), ("V2", "m")]
    assert "files that the mapping takes nothing from: rest.csv" in report.notes
    names = {report.name.split("-")[2]}
    export.write("people.csv", "patient,sex", "P1,F", "P2,X")
    names.add(export.publish("".join(sections)).name.split("-")[2])
    assert len(names) == 2


def test_an_addition_through_several_sections(tmp_path: Path) -> None:
    made = []
    for name in ("added", "whole"):
        (tmp_path / name).mkdir()
        made.append(Export(tmp_path / name))
    first, second = made
    mapping = bookings(options='file = "visits*.csv"') + (PAYMENT + REFUND).replace(
        '"payments.csv"', '"payments*.csv"'
    )
    later = CHARGES[0], "ch_2,P1,2026-01-06 10:00,175.00,100.00,2026-01-09 10:00,Refunded", "ch_9,P1,x,1,0.00,,Failed"
    first.write("visits.csv", *VISITS)
    first.write("payments-2.csv", *CHARGES)
    first.publish(mapping)
    for path in first.clinic.delivery.iterdir():
        path.unlink()
    first.write("payments-1.csv", *later)
    report = first.publish(mapping, add=True)
    assert [(file.file, file.rows_accepted, file.rows_left_out) for file in report.files][:2] == [
        ("payments-1.csv", 1, 1), ("payments-1.csv (2)", 1, 1),
    ]  # fmt: skip
    second.write("visits.csv", *VISITS)
    second.write("payments-1.csv", *later)
    second.write("payments-2.csv", *CHARGES)
    shutil.copytree(first.clinic.data / "state", second.clinic.data / "state")
    second.publish(mapping)
    assert differing(first.clinic.report.path, second.clinic.report.path) == []
    assert first.clinic.ask("select amount_cents from payments where kind = 'refund'") == [(10000,)]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"Amount Refunded"\n', '"Amount Returned"\n', ["payments.amount of [payments] number 2", "'Amount Returned'"]),
        ('column = "Amount Refunded", v', 'column = "Amt", v', ["payments.csv for except of [payments] number 2", "'Amt'"]),
        ("except = { column", "except = { colum", ["[payments] number 2 except", "table with column and values"]),
        ('file = "payments.csv"', "", ["[payments] number 2: file is missing"]),
        ('file = "payments.csv"', 'file = "refunds.csv"', ["[payments] number 2: no file of", "refunds.csv"]),
        ('"refund"', '"refnd"', ["[payments] number 2, column kind", "did you mean refund"]),
        ("kind =", "kinds =", ["[payments] number 2, columns", "'kinds'", "did you mean kind"]),
        ('paid_at = "Refunded"', "", ["[payments] number 2, columns: the required column paid_at"]),
        ('file = "payments.csv"', 'file = "payments.csv"\nskip = "x"', ["[payments] number 2: skip must be"]),
        ('file = "payments.csv"', 'file = "titled.csv"', ["write skip = 1 in [payments] number 2"]),
    ],
)  # fmt: skip
def test_messages_name_the_section(export: Export, old: str, new: str, words: list[str]) -> None:
    export.write("visits.csv", *VISITS)
    export.write("payments.csv", *CHARGES)
    export.write("titled.csv", "Payments of the day", *CHARGES)
    assert old in REFUND
    with pytest.raises(DeliveryError) as refusal:
        export.publish(bookings() + PAYMENT + REFUND.replace(old, new, 1))
    for word in words:
        assert word in str(refusal.value)


garbage = st.recursive(
    st.sampled_from(
        ["''", "'Type'", "'id'", "'\\'", '"\\u0000"', '"\\u001f\\n"', "0", "-1", "3", "99", "1e400", "nan", "true", "[]",
         "{}", "2026-01-05", "09:00:00", "'İ'", "'x'"]
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]")
    | st.dictionaries(st.sampled_from(["column", "values", "file", "columns", "x"]), inner, max_size=3).map(
        lambda parts: f"{{ {', '.join(f'{name} = {value}' for name, value in parts.items())} }}"
    ),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        ["bookings = {0}", "payments = {0}", "payments = [{0}, {1}]", "only = {0}", "except = {0}",
         "only = {{ column = {0}, values = {1} }}", "except = {{ column = 'id', values = {1} }}",
         "except = {{ column = 'id', values = [{0}, {1}] }}", "only = {{ column = {0}, values = ['P1'] }}"]
    ),
    garbage, garbage,
)  # fmt: skip
def test_garbage_is_refused_and_never_a_fault_of_the_program(
    tmp_path_factory: pytest.TempPathFactory, template: str, first: str, second: str
) -> None:
    export = Export(tmp_path_factory.mktemp("garbage"))
    export.write("visits.csv", *VISITS)
    line = template.format(first, second)
    mapping = bookings(options=line) if template.startswith(("only", "except")) else f"{line}\n"
    if template.startswith("payments"):
        mapping += bookings()
    with contextlib.suppress(DeliveryError):
        report = export.publish(mapping)
        assert report.rows_read == report.rows_accepted + report.rows_rejected + report.rows_left_out


def test_a_file_that_holds_several_tables_is_told_of_by_table(export: Export) -> None:
    """A row without a patient is rejected by each of them, and counted as often."""
    export.write("visits.csv", "id,patient,start,points", "V1,P1,2026-01-05 09:00,9", "V2,,2026-01-05 09:00,9")
    scores = (
        '[scores]\nfile = "visits.csv"\n[scores.columns]\nscore_id = "id"\npatient_id = "patient"\n'
        'instrument = { constant = "PHQ-9" }\ntaken_at = "start"\nscore = "points"\n'
    )
    report = export.publish(bookings() + scores)
    reason = "is empty; source column: patient"
    assert [(one.source, one.lines, one.reason) for one in report.reasons] == [
        ("bookings", 1, reason), ("scores", 1, reason),
    ]  # fmt: skip
    assert sum(one.lines for one in report.reasons) == report.rows_rejected
    told = list(report.lines())
    assert f"  bookings of visits.csv line 3: patient_id {reason}" in told
    assert f"  scores of visits.csv line 3: patient_id {reason}" in told
