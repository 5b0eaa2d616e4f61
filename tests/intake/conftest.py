"""Fixtures: deliveries in folders of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from fhir_clinic import FhirClinic, appointment, encounter, location, patient
from intake_additions import Steps
from intake_clinic import Clinic, Export


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    return Clinic(tmp_path)


@pytest.fixture
def make_clinic(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Clinic]:
    return lambda: Clinic(tmp_path_factory.mktemp("clinic"))


@pytest.fixture
def fhir(tmp_path: Path) -> FhirClinic:
    return FhirClinic(tmp_path)


@pytest.fixture
def export(tmp_path: Path) -> Export:
    return Export(tmp_path)


@pytest.fixture
def steps(tmp_path: Path) -> Steps:
    return Steps(tmp_path)


@pytest.fixture
def visit(fhir: FhirClinic) -> FhirClinic:
    """One attended booking with its encounter, to which others may refer."""
    fhir.lines("all.ndjson", patient(), patient("P2"), location(), appointment())
    fhir.lines("Encounter.ndjson", encounter(appointment=[{"reference": "Appointment/A1"}]))
    return fhir
