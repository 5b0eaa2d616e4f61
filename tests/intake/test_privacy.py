"""Privacy at the door: what must not get in is searched for in every byte that an import leaves behind."""

from __future__ import annotations

import datetime as dt
import json
import re
import stat
from pathlib import Path

from click.testing import CliRunner
from intake_clinic import Clinic

from dashboard.cli import main
from dashboard.intake import attempts, keys
from dashboard.intake.publish import Rules
from dashboard.settings import Settings

SECRETS = (
    "Jane", "Roe-Winter", "12 Elm Street", "60601", "+1 312 555 0199", "jane.roe@example.org", "suicidal since May",
    "MRN-778812", "MRN-778813", "1981-07-23", "1930-02-28", "23/07/1981", "SSN 078-05-1120", "broken Roe-Record",
)  # fmt: skip


def deliver(clinic: Clinic) -> None:
    header = (
        "first_name,last_name,address,zip,phone,email,notes,booking_id,patient_id,site,service,starts_at,status,"
        "birth_date,ssn"
    )
    person = 'Jane,Roe-Winter,"12 Elm Street",60601,+1 312 555 0199,jane.roe@example.org,suicidal since May'
    rows = [
        f"{person},B1,MRN-778812,chicago,vitamin-c,2026-01-05 09:00,completed,1981-07-23,SSN 078-05-1120",
        f"{person},B2,MRN-778813,chicago,vitamin-c,2026-01-05 10:00,completed,1930-02-28,SSN 078-05-1120",
        f"{person},B3,MRN-778812,chicago,vitamin-c,2026-01-05 11:00,completed,23/07/1981,SSN 078-05-1120",
        f"{person},B1,MRN-778812,chicago,vitamin-c,2026-01-05 09:00,completed,1981-07-23,SSN 078-05-1120",
        f"{person},broken Roe-Record",
        f'{person},B5,"broken Roe-Record',
    ]
    clinic.write("bookings.csv", header, *rows)
    clinic.write(
        "payments.csv", "payment_id,patient_id,paid_at,kind,amount,payer_name", "M1,MRN-778812,soon,payment,1,Jane"
    )
    clinic.write(
        "scores.csv", "score_id,patient_id,instrument,taken_at,score", "S1,MRN-778812,PHQ-9,2026-01-05 08:00,99"
    )


def test_nothing_personal_is_left_behind(clinic: Clinic, tmp_path: Path) -> None:
    deliver(clinic)
    report = tmp_path / "report.json"
    done = CliRunner().invoke(
        main, ["import", str(clinic.delivery), "--data", str(clinic.data), "--report", str(report)]
    )
    assert done.exit_code == 0
    assert json.loads(report.read_text())["rows"] == {"read": 8, "accepted": 2, "rejected": 6, "left_out": 0}
    left = {"output": done.output.encode(), "report": report.read_bytes()}
    left |= {path.name: path.read_bytes() for path in clinic.data.rglob("*") if path.is_file()}
    assert any(name.endswith(".duckdb") for name in left)
    assert attempts.FILE_NAME in left
    key = left.pop(keys.FILE_NAME)
    for name, content in left.items():
        for secret in SECRETS:
            assert secret.encode() not in content, (secret, name)
        assert key not in content
        assert key.hex().encode() not in content
    # The search itself works: what may be in the extract is found in it.
    assert any(b"vitamin-c" in content for name, content in left.items() if name.endswith(".duckdb"))


def test_birth_dates_become_ages_and_the_oldest_are_one_group(clinic: Clinic) -> None:
    deliver(clinic)
    clinic.publish()
    assert clinic.ask("select booking_id, age, band from bookings order by all") == [
        ("B1", 44, "26–44"), ("B2", 90, "85+"),
    ]  # fmt: skip
    dates = clinic.ask(
        "select table_name, column_name from duckdb_columns() where data_type = 'DATE' and not internal"
    )
    born = dt.date(1981, 7, 23), dt.date(1930, 2, 28)
    for table, column in dates:
        assert clinic.one(f"select count(*) from {table} where {column} in ('{born[0]}', '{born[1]}')") == 0


def test_patient_numbers_depend_on_the_key_alone(clinic: Clinic) -> None:
    deliver(clinic)
    clinic.publish()
    path = clinic.data / "state" / keys.FILE_NAME
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    own = clinic.ask("select patient from bookings order by booking_id")
    clinic.publish()
    assert clinic.ask("select patient from bookings order by booking_id") == own
    clinic.publish(rules=Rules(patient_key="ab" * 32))
    other = clinic.ask("select patient from bookings order by booking_id")
    assert not {number for (number,) in own} & {number for (number,) in other}
    assert clinic.one("select changed from changes where source = 'bookings' and site is null") == 2


def test_a_key_is_not_shown_with_the_settings() -> None:
    assert "abab" not in repr(Settings(Path(), patient_key="ab" * 32))
    assert "abab" not in repr(Rules(patient_key="ab" * 32))


def test_nothing_of_the_repository_is_a_key() -> None:
    from dashboard.settings import ROOT

    text = (ROOT / ".gitignore").read_text()
    assert re.search(r"^/?data/(state|\*)", text, re.MULTILINE)


def test_an_id_put_together_of_addresses_is_kept_as_a_hash(clinic: Clinic, tmp_path: Path) -> None:
    """Also where patients are told by another column; what names it so still finds it."""
    clinic.write("visits.csv", "Customer ID,Email,When", "7,jane@clinic.test,2026-01-05 09:00")
    clinic.write("log.csv", "Email,When,What", "jane@clinic.test,2026-01-05 09:00,nausea")
    mapping = tmp_path / "m.toml"
    mapping.write_text(
        '[bookings]\nfile = "visits.csv"\n[bookings.columns]\nbooking_id = { column = ["Email", "When"] }\n'
        'patient_id = "Customer ID"\nsite = { constant = "dallas" }\nservice = { constant = "vitamin-c" }\n'
        'starts_at = "When"\nstatus = { constant = "completed" }\n'
        '[side_effects]\nfile = "log.csv"\n[side_effects.columns]\nevent_id = { row_number = "E-" }\n'
        'booking_id = { column = ["Email", "When"] }\neffect = "What"\n',
        encoding="utf-8",
    )
    report = clinic.publish(mapping=mapping)
    assert clinic.one("select count(*) from side_effects inner join bookings using (booking_id)") == 1
    assert all(b"jane@" not in path.read_bytes() for path in clinic.data.rglob("*") if path.is_file())
    assert any("kept as a keyed hash" in note and "bookings.booking_id" in note for note in report.notes)
