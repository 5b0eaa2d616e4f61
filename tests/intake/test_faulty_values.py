"""Values that look like others, headers that stand elsewhere, and what messages may say of a first line."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from intake_clinic import BOOKINGS, EVENTS, VISIT_COLUMNS, Clinic, Export, bookings

from dashboard.cli import main
from dashboard.intake.contract import DeliveryError
from dashboard.intake.publish import Rules
from dashboard.intake.reading.scan import scan

NAME = "Quixworth"
VISITS = f'[bookings]\nfile = "visits.csv"\n{VISIT_COLUMNS}'
START = "2026-01-05 09:00"


def row(name: str, start: str = START, **more: str) -> str:
    return ",".join([name, "P1", "chicago", "vitamin-c", start, "completed", *more.values()])


def refused(clinic: Clinic, **options: object) -> str:
    with pytest.raises(DeliveryError) as refusal:
        clinic.publish(**options)
    return str(refusal.value)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05 9:00Z",
        "2026-1-05 09:00Z",
        "2026-01-5 09:00Z",
        "2026-01-05 09:0Z",
        "2026-01-05 09:00:0Z",
        "2026-1-5 9:00+05",
        "2026-01-05T9:00Z",
        "2026-01-05 09:00+99:00",
        "2026-01-05 09:00:00-15:00",
        "2026-01-05 09:00+05:60",
    ],
)
def test_no_offset_of_a_time_is_lost(clinic: Clinic, text: str) -> None:
    """As long as a local time, or further from UTC than any zone."""
    clinic.write("bookings.csv", BOOKINGS, row("B1"), row("B2", text))
    clinic.publish()
    assert [(line, value) for _, line, _, value in clinic.rejects()] == [(3, text)]


@pytest.mark.parametrize("text", ["1_000", "4_75", "1e2", "1E2", "1e-3", "5e-1", "0x1F", "0b11", "1_0.5"])
def test_what_only_a_program_reads_as_a_number_is_rejected(clinic: Clinic, text: str) -> None:
    clinic.write("bookings.csv", f"{BOOKINGS},price,age,dose_mg", row("B1", a="1.00", b="007", c="+5"))
    clinic.write("bookings-2.csv", f"{BOOKINGS},price", row("B2", price=text))
    clinic.write("bookings-3.csv", f"{BOOKINGS},age", row("B3", age=text))
    clinic.write("bookings-4.csv", f"{BOOKINGS},dose_mg", row("B4", dose=text))
    clinic.publish()
    assert [value for *_, value in clinic.rejects()] == [text] * 3
    assert clinic.ask("select price_cents, age, dose_mg::double from bookings") == [(100, 7, 5)]


@pytest.mark.parametrize("text", ["1_000", "1e-3"])
def test_nor_is_it_multiplied(export: Export, text: str) -> None:
    export.write("visits.csv", "id,patient,start,fee", f"V1,P1,{START},500", f"V2,P1,{START},{text}")
    export.publish(bookings(price='{ column = "fee", times = 0.01 }'))
    assert export.bookings("booking_id, price_cents") == [("V1", 500)]


@pytest.mark.parametrize("mark", ["\t", "\ufeff", "\u200b", "\u202e", "\u2060", "\x0b", " \t\u00a0"])
@pytest.mark.parametrize("before", [True, False])
def test_what_nobody_sees_around_an_id_makes_no_other_id(clinic: Clinic, mark: str, before: bool) -> None:
    """A byte-order mark in the middle of joined files, a tab behind a copied number."""
    clinic.write("bookings.csv", BOOKINGS, row("B1"), row(mark + "B2" if before else "B2" + mark), row("B2"))
    clinic.write("side_effects.csv", EVENTS, "E1,B2,nausea")
    clinic.publish()
    assert clinic.ask("select booking_id from bookings order by all") == [("B1",), ("B2",)]
    assert clinic.rejects() == [("bookings.csv", 4, "booking_id", "B2")]


@pytest.mark.parametrize("mark", ["\ufeff", "\u200b", "\u00a0", "\t"])
def test_nor_around_the_name_of_a_column(clinic: Clinic, mark: str) -> None:
    clinic.write("bookings.csv", f"\ufeff{mark}{BOOKINGS.replace('site', f'{mark}site{mark}')}", row("B1"))
    clinic.publish()
    assert clinic.one("select site from bookings") == "chicago"


def test_an_unlike_letter_in_a_name_is_seen(clinic: Clinic) -> None:
    clinic.write("bookings.csv", BOOKINGS.replace("site", "si\u00adte"), row("B1"))
    done = CliRunner().invoke(main, ["import", str(clinic.delivery), "--data", str(clinic.data)])
    assert "si\\xadte" in done.output


@pytest.mark.parametrize("window", range(8, 40))
def test_values_with_a_tab_are_not_tidy(window: int) -> None:
    for values, tidy in ((b"1,x\ty,3\n", False), (b"1,x\t,3\n", False), (b"1,x y,3\n", True)):
        assert scan(io.BytesIO(b"a,b,c\n" + values * 9), window=window).tidy is tidy


ORDERS = {
    "ids": (
        "patient_id,booking_id,name,site,service,starts_at,status,channel",
        "patient_id in the place of booking_id",
    ),
    "a name": ("booking_id,patient_id,channel,site,service,starts_at,status,name", "name in the place of channel"),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("mapped", [False, True])
def test_columns_in_another_order_further_down_are_refused(clinic: Clinic, order: str, mapped: bool) -> None:
    """Two exports, one behind another: a name would stand where a code is looked for."""
    header, moved = ORDERS[order]
    first = "booking_id,patient_id,name,site,service,starts_at,status,channel"
    values = f"B{{0}},P{{0}},Zeb {NAME}{{0}},chicago,vitamin-c,{START},completed,web"
    below = dict(zip(first.split(","), values.format(2).split(","), strict=True))
    lines = [first, values.format(1), "", header, ",".join(below[name] for name in header.split(","))]
    clinic.write("bookings.csv", *lines)
    options = {}
    if mapped:
        (clinic.delivery / "bookings.csv").rename(clinic.delivery / "visits.csv")
        names = "".join(f'{name} = "{name}"\n' for name in first.split(",") if name != "name")
        mapping = clinic.delivery.parent / "m.toml"
        mapping.write_text(f'[bookings]\nfile = "visits.csv"\n[bookings.columns]\n{names}', encoding="utf-8")
        options = {"mapping": mapping}
    message = refused(clinic, **options)
    assert f"names its columns again in line 4, in another order ({moved}" in message
    assert "import again" in message
    clinic.write("visits.csv" if mapped else "bookings.csv", *lines[:2], first, values.format(2))
    clinic.publish(**options)
    assert clinic.one("select count(*) from bookings") == 2
    assert {line for _, line, *_ in clinic.rejects()} == {3}


def test_a_line_of_totals_is_no_header_that_comes_again(export: Export) -> None:
    """Of a till's report with a column called Total; its only other value is left out by the mapping, or rejected."""
    export.write("visits.csv", "id,patient,start", f"V1,P1,{START}")
    export.write("till.csv", "No,Day,Who,Subtotal,Total,State", f"M1,{START},P1,5.00,5.00,paid", "Total,,,,,")
    paid = '[payments]\nfile = "till.csv"\n{}[payments.columns]\npayment_id = "No"\npatient_id = "Who"\n'
    paid += 'paid_at = "Day"\nkind = {{ constant = "payment" }}\namount = "Total"\n'
    export.publish(bookings() + paid.format('except = { column = "No", values = "Total" }\n'))
    assert export.clinic.ask("select payment_id, amount_cents from payments") == [("M1", 500)]
    export.publish(bookings() + paid.format(""))
    assert {row[:2] for row in export.rejects()} == {("till.csv", 3)}


def test_a_first_row_of_small_numbers_is_no_header_that_comes_again(clinic: Clinic) -> None:
    """Without a header its values are those of a row, and others hold them in other places."""
    (clinic.delivery / "bookings.csv").unlink()
    clinic.write("visits.csv", f"1,4,{START},2", f"2,1,{START},4", f"4,2,{START},1")
    mapping = clinic.delivery.parent / "m.toml"
    mapping.write_text(
        '[bookings]\nfile = "visits.csv"\nheader = false\n[bookings.columns]\nbooking_id = 1\npatient_id = 2\n'
        'starts_at = 3\nchannel = 4\nsite = { constant = "dallas" }\nservice = { constant = "vitamin-c" }\n'
        'status = { constant = "completed" }\n',
        encoding="utf-8",
    )
    clinic.publish(mapping=mapping)
    assert clinic.ask("select booking_id, channel from bookings order by 1") == [("1", "2"), ("2", "4"), ("4", "1")]


FIRST_LINES = {
    "names": f"Zeb {NAME},Ann {NAME},foo,bar",
    "a sentence": f'"{NAME} said hello"',
    "another delimiter": f"B1~P1~Zeb {NAME}~{START}",
    "fixed widths": f"B1        P1        Zeb {NAME}       chicago   completed",
    "a mail": f"From: zeb@{NAME}.example",
    "a statement": f"INSERT INTO bookings VALUES ('B1', '{NAME}');",
}


@pytest.mark.parametrize("name", FIRST_LINES)
def test_a_first_line_that_may_be_data_is_not_shown(clinic: Clinic, name: str) -> None:
    mapping = clinic.delivery.parent / "m.toml"
    mapping.write_text(VISITS, encoding="utf-8")
    for file, options in (("bookings.csv", {}), ("visits.csv", {"mapping": mapping})):
        clinic.write(file, FIRST_LINES[name], FIRST_LINES[name])
        message = refused(clinic, **options)
        assert file in message
        assert NAME not in message
        assert "data" in message
    drafted = CliRunner().invoke(main, ["mapping", "draft", str(clinic.delivery)])
    assert drafted.exit_code == 0
    assert NAME not in drafted.output


def test_a_header_of_another_system_is_shown(clinic: Clinic) -> None:
    clinic.write("bookings.csv", "Appt ID,Patient Name,Clinic,XQ17", "1,2,3,4")
    assert "its header has Appt ID, Patient Name, Clinic, XQ17" in refused(clinic)


def test_a_header_is_shown_within_measure(clinic: Clinic) -> None:
    clinic.write("bookings.csv", ",".join(["booking_id", "x" * 100_000, *(f"c{n}" for n in range(2000))]), "1")
    message = refused(clinic)
    assert "and 1,952 more" in message
    assert len(message) < 2000


@pytest.mark.parametrize("end", ["\u2028", "\u0085", "\x1e", "\x0c"])
def test_lines_that_end_in_a_strange_way_are_not_lost(clinic: Clinic, end: str) -> None:
    """All would be one header, and the table empty."""
    lines = [f"{EVENTS},who", *(f"E{n},B1,nausea,Zeb {NAME}{n}" for n in range(3))]
    clinic.write_bytes("side_effects.csv", end.join(lines).encode())
    message = refused(clinic)
    assert "side_effects.csv has one line only" in message
    assert NAME not in message


def test_doubled_names_of_patients_are_not_shown(export: Export) -> None:
    export.write("visits.csv", "id,patient,who,start", f"V1,P1,Zeb {NAME},{START}")
    export.write("people.csv", "name,born", *[f"Zeb {NAME},1980-01-01"] * 2)
    join = '{ join = { file = "people.csv", key = "who", other_key = "name" }, column = "born" }'
    with pytest.raises(DeliveryError, match="stand more than once") as refusal:
        export.publish(bookings(birth_date=join))
    assert NAME not in str(refusal.value)


WHY = {
    "semicolons": (BOOKINGS.replace(",", '";"').join('""') + "\n", "it separates its columns with ';'"),
    "colons": (BOOKINGS.replace(",", '":"').join('""') + "\n", "it separates its columns with ':'"),
    "sections": (BOOKINGS.replace(",", '"§"').join('""') + "\n", "it separates its columns with '§'"),
    "bars": (BOOKINGS.replace(",", '"¦¦"').join('""') + "\n", "it separates its columns with '¦¦'"),
    "next lines": (f'"{BOOKINGS}"\u0085"x"\u0085', "it holds characters that end lines elsewhere"),
    "returns": (f'{BOOKINGS}\r{row("B1")}\r"x\ny"\r', "end in a carriage return alone and others don't"),
    "quote": (f'"{BOOKINGS}\n', "a quoted name in its first line is not closed"),
    "long": (f"{'x' * 1_000_001}\n", "longer than 1,000,000 bytes"),
    "empty": ("\n\n", "it is empty"),
    "no rows": (f"{BOOKINGS}\n", "There is no row below the header"),
}


@pytest.mark.parametrize("name", WHY)
def test_why_a_file_gives_nothing_is_told(clinic: Clinic, name: str) -> None:
    content, why = WHY[name]
    clinic.write_bytes("bookings.csv", content.encode())
    assert why in refused(clinic)


def test_a_file_that_is_mostly_broken_is_refused_in_time(clinic: Clinic, tmp_path: Path) -> None:
    """A place for every broken record would take more memory than there is."""
    clinic.write_bytes("bookings.csv", f"{BOOKINGS}\n{row('B1')}\n".encode() + b"x\n" * 3_000_000)
    began = time.process_time()
    message = refused(clinic)
    assert "records are broken, the first in line 3: the record has 1 columns instead of the 6" in message
    assert time.process_time() - began < 15


def test_many_broken_quotes_are_passed_in_time() -> None:
    """What is looked at in vain behind each of them must not be many times what it holds."""
    began = time.process_time()
    found = scan(io.BytesIO(b"a,b,c\n" + b'1,"x"y,3\n' * 40_000))
    assert len(found.faults) == 40_000
    assert time.process_time() - began < 8


WIDE = b"a,b,c,d,e,f\n"
#: What a file of six columns holds, how many records that are, and the lines of the broken ones.
LOST = {
    "closed by an empty value": (b'1,2,3,4,5,"lost\n2,2,3,4,5,6\n3,2,3,4,5,\n4,2,3,4,5,""\n5,2,3,4,5,6\n', 5, [2]),
    "closed by a quote at an end": (b'1,2,3,4,5,"lost\n2,2,3,4,5,6"\n3,2,3,4,5,6\n', 3, [2]),
    "in the middle": (b'1,2,"lost,4,5,6\n2,2,3,4,5,6\n3,2,3",4,5,6\n4,2,3,4,5,6\n', 4, [2]),
    "with carriage returns": (b'1,2,3,4,5,"lost\r\n2,2,3,4,5,6\r\n3,2,3,4,5,""\r\n', 3, [2]),
    "a text of lines": (b'1,2,3,4,5,"seen, treated,\nleft, and came, on foot, by, bus\nagain"\n2,2,3,4,5,6\n', 2, []),
    "a list": (b'1,2,3,4,5,"a,b,c\nd,e\n"\n2,"x\n,y",3,4,5,6\n', 2, []),
    "values side by side": (b'1,"a\nb",3,4,5,"c\nd"\n"p\nq",2,3,4,5,"r\ns"\n', 2, []),
    "few columns": (b'1,"a\nb\n,c",3\n', 1, []),
}


@pytest.mark.parametrize("name", LOST)
def test_a_lost_quote_swallows_no_rows(name: str) -> None:
    """It pairs with the next one that could close it, and all rows between were one value; wherever windows cut."""
    data, records, faults = LOST[name]
    header = b"a,b,c\n" if name == "few columns" else WIDE
    for window in (*range(8, 90), 1_000_000):
        sink = io.BytesIO()
        found = scan(io.BytesIO(header + data), sink, window=window)
        assert (found.records, [fault.line for fault in found.faults]) == (records, faults)
        assert len(list(csv.reader(io.StringIO(sink.getvalue().decode(), newline="")))) == records - len(faults)


def test_rows_behind_a_lost_quote_are_imported(clinic: Clinic) -> None:
    lines = [f'{row("B1")},"lost', f"{row('B2')},a", f'{row("B3")},"two\nlines"', f'{row("B4")},""']
    clinic.write("bookings.csv", f"{BOOKINGS},note", *lines)
    clinic.publish()
    assert [name for (name,) in clinic.ask("select booking_id from bookings order by all")] == ["B2", "B3", "B4"]
    assert clinic.ask("select line, reason from rejects") == [
        (2, "a quoted value is not closed, or text follows its closing quote")
    ]
    clinic.write("bookings.csv", f"{BOOKINGS},note", lines[0], f'{lines[1]}"', lines[3])
    clinic.publish(rules=Rules(accept_drop=True))
    assert [name for (name,) in clinic.ask("select booking_id from bookings order by all")] == ["B2", "B4"]
    assert "a quote seems to be lost" in clinic.one("select reason from rejects")
