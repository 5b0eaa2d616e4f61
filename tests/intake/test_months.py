"""Names of months in other languages: what a mapping reads, and what a draft makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from intake_clinic import Export, at, bookings
from intake_drafts import drafted, imported

from dashboard.intake.contract import DeliveryError
from dashboard.intake.mapping.months import MONTHS, WEEKDAYS, english, english_day, in_english, spoken

SHORT = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def made(texts: list[str], sql: str) -> list[str]:
    """What SQL makes of texts x, all at once: to prepare its patterns takes longer than to use them."""
    with duckdb.connect() as connection:
        rows = connection.execute(f"select {sql} from (select unnest($texts) as x)", {"texts": texts}).fetchall()
    return [text for (text,) in rows]


def assert_english(wanted: dict[str, str], language: str, first: Callable[[str, str], str] | None = None) -> None:
    """SQL and Python make the same of each text; `first` is SQL that goes before that of months."""
    texts = made(list(wanted), first("x", language)) if first else list(wanted)
    assert made(texts, english("x", language)) == list(wanted.values())
    assert [in_english(text, language) for text in wanted] == list(wanted.values())


@pytest.mark.parametrize("language", MONTHS)
def test_every_name_in_every_spelling_is_its_month(language: str) -> None:
    wanted: dict[str, str] = {}
    for month, names in zip(SHORT, MONTHS[language], strict=True):
        for name in names.split():
            wanted |= {
                f"05 {name} 2026": f"05 {month} 2026",
                f"05 {name.upper()}. 2026": f"05 {month} 2026",
                f"05-{name.title()}-26 09:00": f"05-{month}-26 09:00",
                f"05.{name}.2026": f"05.{month}.2026",
                f"05{name}2026": f"05{month}2026",
                f"x{name} 2026": f"x{name} 2026",
            }
    assert_english(wanted, language)


@pytest.mark.parametrize("language", WEEKDAYS)
def test_every_weekday_in_every_spelling_is_its_day(language: str) -> None:
    march, wanted = MONTHS[language][2].split()[0], dict[str, str]()
    for day, names in zip(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"), WEEKDAYS[language], strict=True):
        for name in names.split():
            wanted |= {
                f"{name}, 03.03.2025": f"{day}, 03.03.2025",
                f"{name.upper()}. 2025-03-03": f"{day} 2025-03-03",
                f" {name.title()} 3 {march} 2025": f" {day} 3 Mar 2025",
                f"x{name} 03.03.2025": f"x{name} 03.03.2025",
            }
    assert_english(wanted, language, english_day)


def test_a_first_word_without_a_whole_date_behind_it_is_a_month() -> None:
    assert in_english("mar 3 2025", "es") == "Mar 3 2025"
    assert in_english("mar 4 mar 2025", "es") == "Tue 4 Mar 2025"


@pytest.mark.parametrize(
    ("settings", "value", "stored"),
    [
        ("format = '%A %d de %B de %Y', language = 'es'", "lunes 3 de marzo de 2025", "2025-03-03 00:00:00"),
        ("format = '%a, %d.%m.%Y', language = 'de'", '"Mo, 03.03.2025"', "2025-03-03 00:00:00"),
        ("format = '%a %d %b %Y', language = 'fr'", "mar. 4 févr. 2025", "2025-02-04 00:00:00"),
        ("format = '%a %d %b %Y', language = 'it'", "mar 4 mar 2025", "2025-03-04 00:00:00"),
        ("format = ['%d/%m/%Y', '%A, %d/%m/%Y'], language = 'pt'", '"terça-feira, 4/3/2025"', "2025-03-04 00:00:00"),
        ("format = '%A %d %b %Y', language = 'es'", "Tuesday 4 mar 2025", "2025-03-04 00:00:00"),
        ("format = '%d-%b-%Y %H:%M', language = 'es'", "05-ene-2026 09:30", "2026-01-05 09:30:00"),
        (
            "format = '%d de %B de %Y %I:%M %p', language = 'es'",
            "5 de agosto de 2026 1:30 p. m.",
            "2026-08-05 13:30:00",
        ),
        ("format = '%d %B %Y à %Hh%M', language = 'fr'", "5 août 2026 à 09h30", "2026-08-05 09:30:00"),
        ("format = '%d %b %Y', language = 'fr'", "5 janv. 2026", "2026-01-05 00:00:00"),
        ("format = '%d. %B %Y %H:%M', language = 'DE'", "5. März 2026 09:30", "2026-03-05 09:30:00"),
        ("format = '%d. %b %Y', language = 'de'", "5. Mai 2026", "2026-05-05 00:00:00"),
        ("format = ['%d/%m/%Y', '%d/%b/%Y'], language = 'pt'", "5/fev/2026", "2026-02-05 00:00:00"),
        ("format = ['%d/%m/%Y', '%d/%b/%Y'], language = 'pt'", "5/2/2026", "2026-02-05 00:00:00"),
        # A system that is set to Spanish in part only.
        ("format = '%d %b %Y', language = 'es'", "5 Jan 2026", "2026-01-05 00:00:00"),
        ("format = '%d-%b-%Y %H:%M %Z', language = 'es'", "05-ago-2026 09:00 EDT", "2026-08-05 13:00:00Z"),
        ("format = '%d-%b-%Y %H:%M %z', language = 'es'", "05-dic-2026 09:00 -05:00", "2026-12-05 14:00:00Z"),
    ],
)
def test_a_mapping_reads_them(export: Export, settings: str, value: str, stored: str) -> None:
    export.write("visits.csv", "id,patient,start,x", f"V1,P1,2026-12-31 09:00,{value}")
    mapping = bookings(f"booked_at = {{ column = 'x', {settings} }}")
    assert export.delivered(mapping, "booked_at") == stored


def test_what_names_no_month_of_the_language_is_rejected(export: Export) -> None:
    export.write("visits.csv", "id,patient,start", "V1,P1,05-ene-2026", "V2,P2,05-fév-2026", "V3,P3,05-enero-26")
    export.publish(bookings(starts_at="{ column = 'start', format = '%d-%b-%Y', language = 'es' }"))
    assert export.bookings("booking_id, starts_at") == [("V1", at(2026, 1, 5))]
    assert [row[1:4] for row in export.rejects()] == [
        (3, "starts_at", "05-fév-2026"),
        (4, "starts_at", "05-enero-26"),
    ]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("format = '%d/%m/%Y', language = 'es'", "goes with a format that has %b or %B"),
        ("format = '%d %%b %Y %m', language = 'es'", "goes with a format that has %b or %B"),
        ("format = '%d %m %Y %%A', language = 'es'", "or %a or %A, that of a weekday"),
        ("language = 'es'", "goes with a format that has %b or %B"),
        ("format = '%d %b %Y', language = 'spanish'", "known are es, pt, fr, de, it"),
    ],
)
def test_what_does_not_go_with_a_language(export: Export, settings: str, message: str) -> None:
    export.write("visits.csv", "id,patient,start", "V1,P1,05-ene-2026")
    with pytest.raises(DeliveryError, match=message):
        export.publish(bookings(starts_at=f"{{ column = 'start', {settings} }}"))


HEAD = "Appointment ID,Client ID,Location,Service,Status"


@pytest.mark.parametrize(
    ("language", "values", "days"),
    [
        ("es", ("05-ene-2026 09:30", "06-ago-2026 09:30"), (at(2026, 1, 5, 9, 30), at(2026, 8, 6, 9, 30))),
        ("es", ("5 de enero de 2026 9:30", "6 de mayo de 2026 9:30"), (at(2026, 1, 5, 9, 30), at(2026, 5, 6, 9, 30))),
        ("fr", ("5 févr. 2026 à 09:30", "6 août 2026 à 09:30"), (at(2026, 2, 5, 9, 30), at(2026, 8, 6, 9, 30))),
        ("de", ("5. Mai 2026 09:30", "6. Dezember 2026 09:30"), (at(2026, 5, 5, 9, 30), at(2026, 12, 6, 9, 30))),
        (
            "es",
            ("lunes 5 de enero de 2026 9:30", '"miércoles, 6 de mayo de 2026 9:30"'),
            (at(2026, 1, 5, 9, 30), at(2026, 5, 6, 9, 30)),
        ),
        ("de", ('"Mo, 05.01.2026 09:30"', '"Mi, 06.05.2026 09:30"'), (at(2026, 1, 5, 9, 30), at(2026, 5, 6, 9, 30))),
        ("it", ("mer 4 mar 2026 9:30", "gio 5 mar 2026 9:30"), (at(2026, 3, 4, 9, 30), at(2026, 3, 5, 9, 30))),
        ("pt", ("05/fev/2026 09:30", "06/dez/2026 09:30"), (at(2026, 2, 5, 9, 30), at(2026, 12, 6, 9, 30))),
    ],
)
def test_a_draft_finds_the_language(tmp_path: Path, language: str, values: tuple[str, str], days: object) -> None:
    lines = [f"{HEAD},Start", *(f"{n},P{n},Chicago,Myers cocktail,Completed,{one}" for n, one in enumerate(values))]
    clinic, text = imported(tmp_path, visits=lines)
    assert tuple(day for (day,) in clinic.ask("select starts_at from bookings order by 1")) == days, text
    assert f'language = "{language}"' in text


def test_a_day_of_a_spanish_month_and_its_time_go_together(tmp_path: Path) -> None:
    lines = [f"{HEAD},Fecha,Hora", "1,P1,Chicago,Myers cocktail,Completed,05-ene-2026,13:30"]
    clinic, text = imported(tmp_path, visits=lines)
    assert clinic.ask("select starts_at from bookings") == [(at(2026, 1, 5, 13, 30),)], text


def test_english_needs_no_language(tmp_path: Path) -> None:
    lines = [f"{HEAD},Start", "1,P1,Chicago,Myers cocktail,Completed,05 Mar 2026 09:30"]
    text, _ = drafted(tmp_path, visits=lines)
    assert "language =" not in text
    assert spoken(["05 Mar 2026", "06 May 2026", "07 Aug 2026"]) is None
    assert spoken(["2026-01-05"]) is None
    assert spoken([]) is None
    assert spoken(["Monday, January 05, 2026", "Fri 13 Mar 2026", "Sat 03/14/2026"]) is None
    # Of months that two languages share the others decide.
    assert spoken(["05 mar 2026", "06 ene 2026"]) == "es"
