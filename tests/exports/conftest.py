"""Small clinics whose money is known to the cent."""

from __future__ import annotations

import duckdb
import pytest

from dashboard.settings import QUERIES

SITES = ("chicago", "dallas")


def query(name):
    """A query's SQL as the warehouse runs it."""
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8").rstrip().rstrip(";")


@pytest.fixture(scope="module")
def ledger():
    """Answer money's queries over made-up bookings and payments: real DuckDB, the extract's own columns."""
    connection = duckdb.connect()
    connection.execute(f"create type site as enum {SITES}")
    connection.execute("create type line as enum ('ketamine', 'vitamin')")
    connection.execute("create type service as enum ('k', 'v')")
    connection.execute("create type status as enum ('completed', 'no_show', 'cancelled')")
    connection.execute("create table sites (site site)")
    connection.executemany("insert into sites values (?)", [(site,) for site in SITES])
    connection.execute("create table services (service service, line line, list_price_cents bigint)")
    connection.execute("insert into services values ('k', 'ketamine', 50000), ('v', 'vitamin', 15000)")
    connection.execute(
        "create table calendar as select day::date as date, site from sites, "
        "range(date '2026-01-01', date '2026-05-01', interval 1 day) as days(day)"
    )
    connection.execute(
        "create table bookings (booking_id varchar, patient bigint, site site, service service, line line, status status, "
        "starts_on date, price_cents bigint, chair_minutes integer)"
    )
    connection.execute(
        "create table payments (payment_id varchar, booking_id varchar, site site, line line, paid_on date, kind varchar, "
        "method varchar, amount_cents bigint)"
    )

    def ask(bookings, payments, name, **values):
        cursor = connection.cursor()
        cursor.execute("delete from bookings")
        cursor.execute("delete from payments")
        for table, rows in (("bookings", bookings), ("payments", payments)):
            if rows:
                cursor.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)
        found = cursor.execute(query(name), {"sites": list(SITES), **values})
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    yield ask
    connection.close()
