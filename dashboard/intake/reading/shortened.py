"""Patients' ids of which digits were dropped: told of a text, which may be all there is, and refused of Parquet."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reading.reader import Survey
from dashboard.intake.sql import statements


def told(connection: duckdb.DuckDBPyConnection, surveys: Sequence[Survey]) -> list[str]:
    """A sentence for each file with such ids.

    Bookings with such ids of their own are rejected. Patients' are kept, since public and old exports have no others.

    Args:
        connection: has read the files.
        surveys: the files, in their order.

    Raises:
        DeliveryError: the file is Parquet, whose numbers are written anew as easily.
    """
    notes = []
    for number, rows in connection.execute(statements("shortened_counts")[0]).fetchall():
        surveyed = surveys[number]
        name = surveyed.source.name
        if surveyed.inspected.is_parquet:
            raise DeliveryError(
                f"{surveyed.source.path} holds patients' ids as numbers that have lost digits, in {rows:,} "
                f"row{'s' * (rows != 1)}: beyond 9,007,199,254,740,992 several whole numbers are one DOUBLE, beyond "
                "16,777,216 one FLOAT. Write the column as text or BIGINT and import again"
            )
        patients = "booking has a patient" if rows == 1 else "bookings have a patient"
        notes.append(
            f"{name}: {rows:,} {patients} whose id is a number in short form, like 2.98725E+13, which may stand for "
            "several patients; export the column as text. A pattern = '^[0-9]+$' in the mapping rejects such rows"
        )
    return notes
