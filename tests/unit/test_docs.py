"""What the documents promise stands in the code, and the other way round."""

import re
import tomllib
from dataclasses import fields

import pytest

from dashboard import exports, filters, navigation, no_shows, theme
from dashboard.access import Role, Viewer
from dashboard.cli import main
from dashboard.metrics import METRICS
from dashboard.settings import ROOT, Settings
from tests.contrast import contrast, rgb_of

DOCUMENTS = [*ROOT.glob("*.md"), ROOT / "data" / "README.md", *sorted(ROOT.glob("docs/*.md"))]
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


def commands(group=main, path=()):
    """Every command by its words, and the first words alone of `dashboard export DATASET`."""
    found = {}
    for name, command in group.commands.items():
        below = commands(command, (*path, name)) if hasattr(command, "commands") else {}
        found |= below | {(*path, name): below.get((*path, name, "take"), command)}
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_that_the_docs_give_a_command_is_its_own(path):
    text, known, wrong = path.read_text(encoding="utf-8"), commands(), []
    for line in re.findall(r"\bdashboard ([a-z][^`\n]*)", text):
        words = re.split(r"[\s|;)]+", line)
        own = next((known[tuple(words[:n])] for n in (3, 2, 1) if tuple(words[:n]) in known), None)
        options = {name for option in own.params for name in option.opts} if own else set()
        wrong += [line for word in words if own and word.startswith("--") and word not in options]
    assert wrong == []


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


def rows_below(heading, text):
    """The rows of the table below a heading, each as its cells."""
    table = text.partition(heading)[2].partition("\n## ")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]


@pytest.mark.parametrize("role", Role)
def test_the_readme_says_which_pages_are_whose(role):
    _, *rows = rows_below("## Who sees what", read("README.md"))
    [told] = [row[1] for row in rows if row[0].startswith(f"`{role}`")]
    named = {entry.title for entry in navigation.ENTRIES if re.search(rf"\b{entry.title}(?!\w| register)", told)}
    every = {entry.title for entry in navigation.ENTRIES}
    own = {entry.title for entry in navigation.entries_for(Viewer("ada", "Ada", role))}
    assert (every - named if told.startswith("all but") else named | {"Account"}) == own


def test_every_default_of_a_setting_is_the_one_in_the_docs():
    defaults = {f"DASHBOARD_{one.name.upper()}": one.default for one in fields(Settings)}
    told = {row[0].strip("`"): row[1].strip("`") for row in rows_below("## Settings", read("docs/architecture.md"))}
    plain = {name: default for name, default in defaults.items() if isinstance(default, (int, float, str))}
    assert len(plain) > 15
    for name, default in plain.items():
        assert told[name] == (
            default if isinstance(default, str) else f"{default:g}" if default < 1e6 else str(default)
        )


def anchors(text):
    """What links can lead to within a document: its headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_within_the_docs_leads_somewhere(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    broken = []
    for address in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = address.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            broken.append(address)
    assert broken == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_of_the_program_that_the_docs_name_is_there(path):
    named = re.findall(
        r"(?<![\w/.-])((?:dashboard|queries|tests|pages|docs)/[\w./@-]*\w)", path.read_text(encoding="utf-8")
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_colours_stand_in_one_place():
    paths = [*ROOT.glob("dashboard/**/*.py"), *ROOT.glob("pages/*.py"), ROOT / "dashboard/style.css"]
    coloured = [path.name for path in paths if HEX.search(path.read_text(encoding="utf-8"))]
    assert coloured == ["theme.py"]


def test_streamlits_theme_has_the_products_colours():
    config = tomllib.loads(read(".streamlit/config.toml"))["theme"]
    for mode in ("light", "dark"):
        assert config[mode]["primaryColor"] == theme.accent(mode)
        assert config[mode]["backgroundColor"] == theme.paper(mode)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_and_marks_have_contrast_enough(mode):
    def on_paper(colour):
        return contrast(rgb_of(colour), rgb_of(theme.paper(mode)))

    assert on_paper(theme.quiet(mode)) >= 4.5
    assert on_paper(theme.accent(mode)) >= 4.5
    for colour in theme.site_colours(3, mode):
        assert on_paper(colour) >= 3
    for kind in theme.VERDICTS:
        assert on_paper(theme.verdict_colour(kind, mode)) >= 3


def test_datasets_have_unique_headings():
    for dataset in exports.DATASETS.values():
        titles = [column.title for column in dataset.columns]
        assert len(set(titles)) == len(titles), dataset.name


def test_every_threat_names_tests_that_are_there():
    """Each row of the threat table: files of tests, and in one of them every function that it names."""
    _, *rows = rows_below("## Threats", read("docs/security.md"))
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
