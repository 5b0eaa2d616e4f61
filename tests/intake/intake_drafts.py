"""Drafts of mappings, and what an import with one as drafted gives."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from intake_clinic import Clinic

from dashboard.intake.drafting.draft import draft_mapping
from dashboard.intake.reference import load_reference


def drafted(folder: Path, **files: list[str]) -> tuple[str, dict[str, Any]]:
    """The draft for files of these lines, as text and as what it says."""
    for name, lines in files.items():
        (folder / f"{name}.csv").write_text("\n".join([*lines, ""]), encoding="utf-8")
    text = draft_mapping(folder, load_reference())
    return text, tomllib.loads(text)


def imported(tmp_path: Path, **files: list[str]) -> tuple[Clinic, str]:
    """A clinic that published files of these lines by their draft, which nobody has touched, and the draft."""
    folder, mapping = tmp_path / "export", tmp_path / "draft.toml"
    folder.mkdir(exist_ok=True)
    text, _ = drafted(folder, **files)
    mapping.write_text(text, encoding="utf-8")
    clinic = Clinic(tmp_path)
    clinic.delivery = folder
    clinic.publish(mapping=mapping)
    return clinic, text
