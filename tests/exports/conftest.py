"""Small clinics whose money is known to the cent."""

from __future__ import annotations

import duckdb
import pytest

from dashboard.intake.sql import statements
from dashboard.settings import QUERIES

SITES = ("chicago", "dallas")


def query(name):
    """A query's SQL as the warehouse runs it."""
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8").rstrip().rstrip(";")


@pytest.fixture(scope="module")
def ledger():
    """Answer money's queries over made-up bookings and payments: real DuckDB, the extract's own columns and cubes."""
    connection = duckdb.connect()
    connection.execute(f"create type site as enum {SITES}")
    connection.execute("create type line as enum ('ketamine', 'vitamin')")
    connection.execute("create type service as enum ('k', 'v')")
    connection.execute(
        "create type status as enum ('booked', 'arrived', 'completed', 'cancelled', 'late_cancelled', 'no_show')"
    )
    connection.execute("create table sites (site site)")
    connection.executemany("insert into sites values (?)", [(site,) for site in SITES])
    connection.execute(
        "create table service_prices (service service, from_on date, until_on date, list_price_cents bigint)"
    )
    connection.execute(
        "insert into service_prices values ('k', '1900-01-01', '2026-02-28', 50000), "
        "('k', '2026-03-01', '2199-12-31', 60000), ('v', '1900-01-01', '2199-12-31', 15000)"
    )
    connection.execute(
        "create table calendar as select day::date as date, site from sites, "
        "range(date '2026-01-01', date '2026-05-01', interval 1 day) as days(day)"
    )
    connection.execute(
        "create table bookings (booking_id varchar, patient bigint, site site, service service, line line, status status, "
        "starts_on date, price_cents bigint, chair_minutes integer, band varchar default 'Unknown', "
        "supervision varchar default 'not_recorded', is_new boolean default false, assessed boolean default false, "
        "has_effect boolean default false, has_serious boolean default false, has_severe boolean default false)"
    )
    connection.execute(
        "create table made (payment_id varchar, booking_id varchar, site site, line line, paid_on date, kind varchar, "
        "method varchar, amount_cents bigint)"
    )
    # As queries/build/payments.sql has it of accepted payments.
    connection.execute(
        "create view payments as select made.* replace (bookings.line as line), service, bookings.site as visit_site, "
        "starts_on, coalesce(status = 'completed' and price_cents is not null, false) as invoiced "
        "from made left join bookings using (booking_id)"
    )

    def ask(bookings, payments, name, **values):
        cursor = connection.cursor()
        cursor.execute("delete from bookings")
        cursor.execute("delete from made")
        for table, rows in (("bookings", bookings), ("made", payments)):
            if rows:
                names = ", ".join(name for name, *_ in cursor.execute(f"describe {table}").fetchall()[: len(rows[0])])
                cursor.executemany(f"insert into {table} ({names}) values ({', '.join('?' * len(rows[0]))})", rows)
        for cube in ("daily", "daily_payments"):
            cursor.execute(f"drop table if exists {cube}")
            [statement] = statements(cube)
            cursor.execute(statement)
        found = cursor.execute(query(name), {"sites": list(SITES), **values})
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    yield ask
    connection.close()
