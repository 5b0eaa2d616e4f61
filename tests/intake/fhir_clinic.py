"""Small deliveries of FHIR resources, each proven to be valid FHIR before it is written."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from intake_clinic import Delivered

from dashboard.intake.fhir.reading import Resources, read_resources
from dashboard.intake.mapping.expressions import PART
from dashboard.intake.reference import load_reference
from dashboard.intake.report import ImportReport

SERVICE = "https://clinic.example/service"
SYSTEM = "https://clinic.example/mrn"
Json = dict[str, Any]


def valid(resource: Json) -> Json:
    """The resource, which an independent implementation of FHIR takes as it is."""
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return resource


def patient(identity: str = "P1", **more: Any) -> Json:
    return {"resourceType": "Patient", "id": identity, "birthDate": "1980-01-06", "gender": "female", **more}


def location(identity: str = "L1", name: str | None = "Chicago", **more: Any) -> Json:
    return {"resourceType": "Location", "id": identity, **({"name": name} if name else {}), **more}


def coded(code: str, system: str = SERVICE, display: str | None = None) -> Json:
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def actors(*references: str | Json) -> list[Json]:
    return [
        {"actor": {"reference": one} if isinstance(one, str) else one, "status": "accepted"} for one in references
    ]


def appointment(identity: str = "A1", *who: str | Json, **more: Any) -> Json:
    return {
        "resourceType": "Appointment",
        "id": identity,
        "status": "fulfilled",
        "serviceType": [coded("ketamine-infusion")],
        "start": "2026-01-05T09:00:00-06:00",
        "end": "2026-01-05T10:30:00-06:00",
        "participant": actors(*(who or ("Patient/P1", "Location/L1"))),
        **more,
    }


def encounter(identity: str = "E1", **more: Any) -> Json:
    return {
        "resourceType": "Encounter",
        "id": identity,
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": "Patient/P1"},
        **more,
    }


def adverse_event(identity: str = "AE1", **more: Any) -> Json:
    return {
        "resourceType": "AdverseEvent",
        "id": identity,
        "actuality": "actual",
        "event": {"text": "Nausea"},
        "subject": {"reference": "Patient/P1"},
        **more,
    }


def invoice(identity: str = "I1", amount: str | float = 475.0, **more: Any) -> Json:
    return {
        "resourceType": "Invoice",
        "id": identity,
        "status": "balanced",
        "subject": {"reference": "Patient/P1"},
        "date": "2026-01-05",
        "totalGross": {"value": amount, "currency": "USD"},
        **more,
    }


def observation(identity: str = "O1", code: str = "44261-6", **more: Any) -> Json:
    value = {} if {"component", "valueQuantity", "dataAbsentReason"} & set(more) else {"valueInteger": 14}
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": coded(code, "http://loinc.org"),
        "subject": {"reference": "Patient/P1"},
        "effectiveDateTime": "2026-01-05T08:30:00-06:00",
        **value,
        **more,
    }


def bundle(*entries: Json | tuple[str, Json], kind: str = "collection") -> Json:
    wrapped = [
        {"fullUrl": one[0], "resource": one[1]} if isinstance(one, tuple) else {"resource": one} for one in entries
    ]
    if kind == "transaction":
        for entry in wrapped:
            entry["request"] = {"method": "POST", "url": entry["resource"]["resourceType"]}
    return {"resourceType": "Bundle", "type": kind, "entry": wrapped}


class Records:
    """What a delivery became: the records handed over, their faults, and what was left out."""

    def __init__(self, read: Resources) -> None:
        self.read = read
        self.rows: dict[str, list[dict[str, str]]] = {}
        self.faults: list[tuple[str | None, str | None, str]] = []
        parts: Counter[Path] = Counter()
        for survey in read.surveys:
            with survey.prepared.open(encoding="utf-8", newline="") as file:
                rows = [row for row in csv.DictReader(file) if row.pop(PART) == str(parts[survey.prepared])]
            found = [{k: v for k, v in row.items() if v} for row in rows]
            parts[survey.prepared] += 1
            assert len(found) == survey.found.sound
            self.rows.setdefault(survey.source.table.name, []).extend(found)
            self.faults += [(fault.column, fault.value, fault.reason) for fault in survey.found.faults]
        notes = dict(read.notes)
        left = notes["note_left_out"]
        self.left_out = dict(zip(zip(left["whats"], left["reasons"], strict=True), left["counts"], strict=True))
        rejects = notes["note_rejects"]
        self.rejects = list(zip(rejects["columns"], rejects["shown"], rejects["reasons"], strict=True))

    def column(self, table: str, name: str) -> list[str | None]:
        return [row.get(name) for row in self.rows.get(table, [])]


class FhirClinic(Delivered):
    """A delivery of resources, with the shortest way to write and read them."""

    def lines(self, name: str, *resources: Json | str) -> None:
        """Write NDJSON; texts are written as they are, and need not be valid."""
        texts = [one if isinstance(one, str) else json.dumps(valid(one)) for one in resources]
        self.write(name, "\n".join(texts) + "\n")

    def document(self, name: str, resource: Json, indent: int | None = 1) -> None:
        self.write(name, json.dumps(valid(resource), indent=indent))

    def write(self, name: str, text: str | bytes) -> None:
        path = self.delivery / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = text.encode() if isinstance(text, str) else text
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    def publish(self, fhir: dict[str, Any] | None = None, **options: Any) -> ImportReport:
        """Import the delivery, with `fhir` as the [fhir] table of a mapping file."""
        if fhir is not None:
            options["mapping"] = self.data.with_name("mapping.toml")
            options["mapping"].write_text(f"fhir = {_inline(fhir)}\n", encoding="utf-8")
        return super().publish(**options)

    def read(self, **options: Any) -> Records:
        """Only what the reader of resources makes of the delivery, without an extract."""
        work = self.data.with_name("work")
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        read = read_resources(self.delivery, work, load_reference(), options, lambda _step, _share: None)
        return Records(read)

    def left_out(self) -> dict[tuple[str, str], int]:
        """Rows by what and reason."""
        return {(what, reason): n for what, reason, n in self.ask("select what, reason, rows from left_out")}

    def balance(self) -> dict[str, tuple[int, ...]]:
        """Read, accepted, rejected, looked up, left out, by type."""
        return {
            one.resource: (
                one.rows_read,
                one.rows_accepted,
                one.rows_rejected,
                one.rows_looked_up,
                one.rows_left_out,
            )
            for one in self.report.resources
        }


def _inline(value: Any) -> str:
    """A value as TOML; JSON's texts are TOML's, too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_inline(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)


def small(fhir: FhirClinic) -> None:
    """One of everything, in files as a Bulk Data export has them."""
    fhir.lines("Patient.ndjson", patient())
    fhir.lines("Location.ndjson", location())
    fhir.lines("Appointment.0001.ndjson.gz", appointment())
    fhir.lines(
        "Encounter.ndjson",
        encounter(
            appointment=[{"reference": "Appointment/A1"}],
            period={"start": "2026-01-05T09:05:00-06:00", "end": "2026-01-05T10:20:00-06:00"},
        ),
    )
    fhir.lines(
        "AdverseEvent.ndjson",
        adverse_event(encounter={"reference": "Encounter/E1"}, date="2026-01-05T09:30:00-06:00"),
    )
    fhir.lines("Observation.ndjson", observation())
    fhir.lines("Invoice.ndjson", invoice())
