"""A real spreadsheet program, where one is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def convert(path: Path, form: str, *options: str) -> Path:
    """The file as another kind, an ending with or without a filter's name, beside it; the test is skipped where no LibreOffice is installed."""
    office = shutil.which("soffice") or shutil.which("libreoffice")
    if office is None:
        pytest.skip("NO LIBREOFFICE: install libreoffice-calc; no spreadsheet has written or read these files")
    folder = path.parent
    subprocess.run(
        [office, "--headless", f"-env:UserInstallation=file://{folder}/profile", *options,
         "--convert-to", form, "--outdir", str(folder), str(path)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    return path.with_suffix("." + form.partition(":")[0])
