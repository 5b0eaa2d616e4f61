"""What the documents promise stands in the code, and the other way round."""

import re
import tomllib
from dataclasses import fields

import pytest

from dashboard import exports, filters, navigation, no_shows, theme
from dashboard.cli import main
from dashboard.metrics import METRICS
from dashboard.settings import ROOT, Settings

HEX = re.compile(r"#[0-9A-Fa-f]{6}\b")


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_every_metric_stands_in_the_docs_word_for_word(metric):
    assert f"| `{metric.name}` | {metric.title} | {metric.unit} | {metric.definition} |" in read("docs/metrics.md")


def test_every_setting_stands_in_the_docs():
    text = read("docs/architecture.md")
    names = set(re.findall(r"DASHBOARD_[A-Z_]+[A-Z]", read("dashboard/settings.py")))
    assert len(names) >= len(fields(Settings))
    assert [name for name in sorted(names) if f"`{name}`" not in text] == []


def test_every_parameter_of_the_address_stands_in_the_docs():
    text = read("docs/architecture.md")
    words = [*filters.PARAMETERS, *filters.PERIODS, *no_shows.DEFINITIONS]
    assert all(f"`{word}`" in text for word in words)


def test_every_command_stands_in_the_docs():
    text = read("README.md") + read("docs/commands.md")
    groups = {name: getattr(command, "commands", {}) for name, command in main.commands.items()}
    for name, children in groups.items():
        for child in children or [""]:
            assert f"dashboard {name} {child}".strip() in text


def test_every_dependency_is_explained():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    text = read("docs/dependencies.md").lower()
    wanted = project["dependencies"] + [name for extra in project["optional-dependencies"].values() for name in extra]
    names = [re.split(r"[>=<]", line)[0] for line in wanted]
    missing = [n for n in names if n.removeprefix("pytest-").removesuffix("-stubs") not in text]
    assert missing == []


def test_the_lock_file_has_hashes_and_no_addresses():
    lock = read("requirements.lock")
    assert "--hash=sha256:" in lock
    assert "://" not in lock


def test_readme_names_every_page_and_folder():
    text = read("README.md")
    assert all(f"`{name}/`" in text or f"{name}/" in text for name in ("pages", "queries", "data", "dashboard"))
    assert all(entry.title in text + read("CHANGELOG.md") for entry in navigation.ENTRIES)


def test_colours_stand_in_one_place():
    paths = [*ROOT.glob("dashboard/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "dashboard/style.css"]
    coloured = [path.name for path in paths if HEX.search(path.read_text(encoding="utf-8"))]
    assert coloured == ["theme.py"]


def test_streamlits_theme_has_the_products_colours():
    config = tomllib.loads(read(".streamlit/config.toml"))["theme"]
    for mode in ("light", "dark"):
        assert config[mode]["primaryColor"] == theme.accent(mode)
        assert config[mode]["backgroundColor"] == theme.paper(mode)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_and_marks_have_contrast_enough(mode):
    paper = theme.paper(mode)
    assert contrast(theme.quiet(mode), paper) >= 4.5
    assert contrast(theme.accent(mode), paper) >= 4.5
    for colour in theme.site_colours(3, mode):
        assert contrast(colour, paper) >= 3
    for kind in theme.VERDICTS:
        assert contrast(theme.verdict_colour(kind, mode), paper) >= 3


def test_datasets_have_unique_headings():
    for dataset in exports.DATASETS.values():
        titles = [column.title for column in dataset.columns]
        assert len(set(titles)) == len(titles), dataset.name


def test_every_threat_names_tests_that_are_there():
    """Each row of the threat table: files of tests, and in one of them every function that it names."""
    table = read("docs/security.md").partition("## Threats")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 50
    files = {path.name: path for path in (ROOT / "tests").glob("*/test_*.py")}
    for threat, defence, attacks in rows:
        named = re.findall(r"`(test_\w+\.py)`", attacks)
        functions = re.findall(r"`(test_\w+)`", attacks)
        assert defence
        assert set(named) <= set(files), threat
        written = "".join(files[name].read_text(encoding="utf-8") for name in named)
        assert functions, threat
        assert [name for name in functions if f"def {name}(" not in written] == [], threat
