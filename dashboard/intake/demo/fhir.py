"""Writes the demo delivery as FHIR R4 resources, as a Bulk Data export would."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from dashboard import folders
from dashboard.intake.fhir.terms import CANCELLATION_EXTENSION, LOINC
from dashboard.intake.reference import Reference

Json = dict[str, Any]

_CODES = "http://terminology.hl7.org/CodeSystem"
_OWN = "https://clinic.example/fhir/CodeSystem"
_FORM = "https://clinic.example/fhir/Questionnaire/side-effects"
_STATUSES = {
    "booked": "booked",
    "arrived": "arrived",
    "completed": "fulfilled",
    "cancelled": "cancelled",
    "late_cancelled": "cancelled",
    "no_show": "noshow",
}
_SPECIALTIES = {"anesthesiologist": "Anesthesiology", "physician": "Physician", "other": "Registered nurse"}
_LOINC = {"PHQ-9": "44261-6", "GAD-7": "70274-6"}


def write_resources(directory: Path, frames: dict[str, pd.DataFrame], reference: Reference) -> None:
    """Write a file of each type that the tables of a delivery become.

    Args:
        directory: must exist.
        frames: the tables, by name, as their CSV files would hold them.
        reference: the reference tables, for sites' time zones and names of services.
    """
    bookings = frames["bookings"].to_dict("records")
    zones = {site.site: ZoneInfo(site.timezone) for site in reference.sites}
    zone_of = {row["booking_id"]: zones[row["site"]] for row in bookings}
    home: dict[str, ZoneInfo] = {}
    for row in bookings:
        home.setdefault(row["patient_id"], zone_of[row["booking_id"]])
    attended = {row["booking_id"] for row in bookings if row["status"] in ("arrived", "completed")}
    charged = {row["booking_id"] for row in bookings if row["price"]}
    payments = frames["payments"].to_dict("records")
    effects = frames["side_effects"].to_dict("records")
    files: dict[str, Iterable[Json]] = {
        "Location": (_location(site) for site in reference.sites),
        "HealthcareService": (_service(service) for service in reference.services),
        "Patient": _patients(bookings),
        "PractitionerRole": _roles(bookings),
        "Practitioner": _practitioners(bookings),
        "Appointment": (_appointment(row, zone_of[row["booking_id"]]) for row in bookings),
        "Encounter": (_encounter(r, zone_of[r["booking_id"]]) for r in bookings if r["booking_id"] in attended),
        "QuestionnaireResponse": (_form(row) for row in bookings if row["side_effects_assessed"] == "yes"),
        "ChargeItem": (_charge(row) for row in bookings if row["price"]),
        "AdverseEvent": (
            _adverse_event(row, zone_of[row["booking_id"]], patient)
            for row, patient in _with_patients(effects, bookings)
        ),
        "Invoice": (_invoice(row, home[row["patient_id"]], charged) for row in payments),
        "Observation": (_observation(row, home[row["patient_id"]]) for row in frames["scores"].to_dict("records")),
    }
    for kind, resources in files.items():
        with open(directory / f"{kind}.ndjson", "w", encoding="utf-8", opener=folders.opened) as file:
            for resource in resources:
                kept = {name: value for name, value in resource.items() if value not in (None, [], "")}
                file.write(json.dumps({"resourceType": kind, **kept}, separators=(",", ":")) + "\n")


def _with_patients(effects: list[Any], bookings: list[Any]) -> Iterator[tuple[Any, str]]:
    patients = {row["booking_id"]: row["patient_id"] for row in bookings}
    return ((row, patients[row["booking_id"]]) for row in effects)


def _instant(local: str, zone: dt.tzinfo) -> str | None:
    """A local time of the clinic as FHIR has it, with seconds and offset."""
    return dt.datetime.fromisoformat(local).replace(tzinfo=zone).isoformat() if local else None


def _coded(system: str, code: str, display: str | None = None) -> Json:
    coding = {"system": system, "code": code}
    return {"coding": [coding if display is None else {**coding, "display": display}]}


def _location(site: Any) -> Json:
    return {"id": site.site.replace("_", "-"), "name": site.name, "address": {"city": site.city.split(",")[0]}}


def _service(service: Any) -> Json:
    return {"id": service.service, "name": service.name, "type": [_coded(f"{_OWN}/service", service.service)]}


def _patients(bookings: list[Any]) -> Iterator[Json]:
    known: set[str] = set()
    for row in bookings:
        if row["patient_id"] not in known:
            known.add(row["patient_id"])
            yield {"id": row["patient_id"], "birthDate": row["birth_date"], "gender": _gender(row["sex"])}


def _gender(sex: str) -> str:
    return sex if sex in ("female", "male", "other", "unknown") else "other"


def _supervisor(row: Any) -> str | None:
    return f"{row['provider']}-{row['supervision']}" if row["supervision"] in _SPECIALTIES else None


def _practitioners(bookings: list[Any]) -> Iterator[Json]:
    return ({"id": code} for code in sorted({row["provider"] for row in bookings if row["provider"]}))


def _roles(bookings: list[Any]) -> Iterator[Json]:
    held = {_supervisor(row): row for row in bookings if row["provider"]}
    for code, row in sorted((code, row) for code, row in held.items() if code):
        yield {
            "id": code,
            "practitioner": {"reference": f"Practitioner/{row['provider']}"},
            "specialty": [{"text": _SPECIALTIES[row["supervision"]]}],
        }


def _appointment(row: Any, zone: dt.tzinfo) -> Json:
    cancelled = {"url": CANCELLATION_EXTENSION, "valueDateTime": _instant(row["cancelled_at"], zone)}
    actors = [f"Patient/{row['patient_id']}", f"Location/{row['site'].replace('_', '-')}"]
    if row["provider"] and (supervisor := _supervisor(row)):
        actors.append(f"PractitionerRole/{supervisor}")
    return {
        "id": row["booking_id"],
        "extension": [cancelled] if row["cancelled_at"] else [],
        "status": _STATUSES[row["status"]],
        "serviceType": [_coded(f"{_OWN}/service", row["service"])],
        "reasonCode": [_coded(f"{_OWN}/indication", row["indication"])] if row["indication"] else [],
        "start": _instant(row["starts_at"], zone),
        "end": _instant(row["ends_at"], zone),
        "created": _instant(row["booked_at"], zone),
        "participant": [{"actor": {"reference": actor}, "status": "accepted"} for actor in actors],
    }


def _encounter(row: Any, zone: dt.tzinfo) -> Json:
    start = dt.datetime.fromisoformat(row["starts_at"]).replace(tzinfo=zone)
    end = (start.astimezone(dt.UTC) + dt.timedelta(minutes=int(row["chair_minutes"]))).astimezone(zone)
    return {
        "id": f"V-{row['booking_id']}",
        "status": "finished" if row["status"] == "completed" else "arrived",
        "class": {"system": f"{_CODES}/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "appointment": [{"reference": f"Appointment/{row['booking_id']}"}],
        "period": {"start": start.isoformat(), "end": end.isoformat()},
    }


def _form(row: Any) -> Json:
    return {
        "id": f"F-{row['booking_id']}",
        "questionnaire": _FORM,
        "status": "completed",
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "encounter": {"reference": f"Encounter/V-{row['booking_id']}"},
    }


def _charge(row: Any) -> Json:
    return {
        "id": f"C-{row['booking_id']}",
        "status": "billed",
        "code": _coded(f"{_OWN}/service", row["service"]),
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "priceOverride": _money(row["price"]),
        "supportingInformation": [{"reference": f"Appointment/{row['booking_id']}"}],
    }


def _money(amount: str) -> Json:
    return {"value": float(amount), "currency": "USD"}


def _adverse_event(row: Any, zone: dt.tzinfo, patient: str) -> Json:
    kind = f"{_CODES}/adverse-event"
    serious = {"yes": "Serious", "no": "Non-serious"}.get(row["serious"])
    severity = row["severity"]
    outcome = row["outcome"].replace(" ", "-")
    causality = {"assessment": _coded(f"{_OWN}/causality", row["related"])}
    suspect = {"instance": {"display": "infusion"}, "causality": [causality]}
    return {
        "id": row["event_id"],
        "actuality": "actual",
        "event": {"text": row["effect"].replace("_", " ")},
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/V-{row['booking_id']}"},
        "date": _instant(row["onset_at"], zone),
        "seriousness": _coded(f"{kind}-seriousness", serious) if serious else None,
        "severity": _coded(f"{kind}-severity", severity, severity.replace("_", " ")) if severity else None,
        "outcome": _coded(f"{_OWN}/outcome", outcome) if outcome else None,
        "suspectEntity": [suspect] if row["related"] else [],
    }


def _invoice(row: Any, zone: dt.tzinfo, charged: set[str]) -> Json:
    charge = {"chargeItemReference": {"reference": f"ChargeItem/C-{row['booking_id']}"}}
    return {
        "id": row["payment_id"],
        "status": "balanced",
        "type": _coded(f"{_OWN}/payment", row["kind"]),
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "date": _instant(row["paid_at"], zone),
        "lineItem": [charge] if row["booking_id"] in charged else [],
        "totalGross": _money(row["amount"]),
    }


def _observation(row: Any, zone: dt.tzinfo) -> Json:
    return {
        "id": row["score_id"],
        "status": "final",
        "code": _coded(LOINC, _LOINC[row["instrument"]], f"{row['instrument']} total score"),
        "subject": {"reference": f"Patient/{row['patient_id']}"},
        "effectiveDateTime": _instant(row["taken_at"], zone),
        "valueInteger": int(row["score"]),
    }
