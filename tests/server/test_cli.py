"""The command line: help, checks, the state and the refusals of `serve`."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import socket
import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import click
import pytest
from server_harness import people

from dashboard import folders
from dashboard.cli import main
from dashboard.intake import demo
from dashboard.intake.contract import DEFINITIONS_VERSION, SCHEMA_VERSION
from dashboard.intake.publish import import_delivery
from dashboard.settings import ROOT
from dashboard.state import Store
from dashboard.state.alert_channels import AlertChannels
from dashboard.state.audit import Search
from dashboard.state.demo import add_demo_accounts

DASHBOARD = Path(sys.executable).parent / "dashboard"


def commands(group=main, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        yield (*path, name), command


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_every_command_has_an_example(run, path):
    shown = run(*path, "--help")
    assert shown.exit_code == 0
    assert "Example" in shown.output
    assert "dashboard " + " ".join(path) in " ".join(shown.output.split())


@pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda one: " ".join(one) if isinstance(one, tuple) else ""
)
def test_every_option_says_what_it_is(path, command):
    options = [one for one in command.params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []
    with click.Context(command) as context:
        forms = [one.make_metavar(context) for one in options]
    assert [form for form in forms if "%" in form] == []


@pytest.mark.parametrize(
    "words",
    [
        ("check",), ("serve",), ("users", "list"), ("users", "reset-link", "ada"), ("extracts", "list"), ("import", "."),
        ("state", "backup", "x"), ("audit", "verify"), ("tokens", "list"), ("export", "months"),
        ("report", "safety", "--month", "2026-09", "-o", "x.pdf"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_wrong_setting_is_named_by_every_command(run, monkeypatch, words):
    monkeypatch.setenv("DASHBOARD_QUERY_SECONDS", "soon")
    found = run(*words)
    assert found.exit_code == 1
    assert "DASHBOARD_QUERY_SECONDS" in found.stderr
    assert isinstance(found.exception, SystemExit)


@pytest.mark.parametrize("value", ["soon", "nan", "inf", "-1", "0", "2.5"])
def test_a_number_that_cannot_be_used_is_named_with_its_variable(run, monkeypatch, value):
    monkeypatch.setenv("DASHBOARD_KEPT_EXTRACTS", value)
    found = run("check")
    assert found.exit_code == 1
    assert "DASHBOARD_KEPT_EXTRACTS must be" in found.stderr
    assert value in found.stderr


def test_no_command_takes_a_password_as_an_argument():
    names = {name for _, command in commands() for option in command.params for name in option.opts}
    assert {name for name in names if "password" in name} == {"--password-stdin"}


def test_the_installed_program_says_what_it_can(data):
    done = subprocess.run([DASHBOARD, "--help"], capture_output=True, text=True, check=True)
    assert "dashboard serve --demo" in done.stdout


def test_what_every_command_loads_is_little():
    """A list of users, an export's help: nothing that takes a third of a second before the first word."""
    loaded = "import sys, dashboard.cli; print(sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    names = set(re.findall(r"'(\w+)'", done.stdout))
    assert {"click", "dashboard"} <= names
    assert not names & {"altair", "duckdb", "numpy", "pandas", "pyarrow", "scipy", "sqlalchemy", "streamlit"}


def test_the_version_names_the_program_its_tables_and_its_definitions(data):
    done = subprocess.run([DASHBOARD, "--version"], capture_output=True, text=True, check=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert done.stdout == (
        f"{project['name']} {project['version']}, schema {SCHEMA_VERSION}, definitions {DEFINITIONS_VERSION}\n"
    )


# --- check -----------------------------------------------------------------------------------


def findings(shown):
    lines = [line.split(maxsplit=1) for line in shown.output.splitlines()]
    return {rest.split("  ")[0]: verdict for verdict, rest in lines}


def test_check_says_what_is_missing_and_what_to_do(run):
    shown = run("check")
    assert shown.exit_code == 1
    assert findings(shown) == {
        "data folder": "ok",
        "state store": "ok",
        "audit record": "ok",
        "keys": "ok",
        "users": "problem",
        "reference tables": "ok",
        "queries": "ok",
        "extract": "problem",
    }
    assert "dashboard users add" in shown.output
    assert "dashboard import" in shown.output


def test_check_counts_the_sites_of_the_extract_and_not_those_of_the_program(run, data):
    delivery = data / "delivery"
    demo.write_delivery(delivery, years=1, bookings=400, sites=12)
    import_delivery(delivery, data, reference=delivery / "reference")
    lines = {line[9:26].strip(): line for line in run("check").output.splitlines()}
    assert "3 sites, 7 services" in lines["reference tables"]
    assert lines["extract"].startswith("ok")
    assert lines["extract"].endswith(", 12 sites, 7 services")


def test_a_disk_is_short_of_room_below_the_least_and_not_at_it(run, data, monkeypatch):
    data.mkdir(exist_ok=True)
    assert folders.lack_of_room(data, 0) is None
    assert re.search(r"has [\d,]+ MB left: make room", folders.lack_of_room(data, 1 << 60))
    # Every disk is short of that much.
    monkeypatch.setattr(folders, "LEAST_ROOM", 1 << 60)
    shown = run("check")
    assert (findings(shown)["data folder"], "MB left: make room" in shown.output) == ("problem", True)


def test_check_names_a_damaged_store(run, data):
    (data / "state").mkdir()
    (data / "state" / "state.db").write_text("this is no database, and long enough to be read as one" * 20)
    shown = run("check")
    assert shown.exit_code == 1
    assert findings(shown)["state store"] == "problem"
    assert "state.db cannot be read" in shown.output


def test_what_cannot_be_written_is_told_apart_from_what_is_damaged(run, data):
    (data / "state" / "state.db").mkdir(parents=True)
    shown = run("import", str(data))
    assert (shown.exit_code, "Check who may write to it" in shown.output) == (1, True)
    assert "back-up" not in shown.output
    (data / "state" / "state.db").rmdir()
    (data / "state").rmdir()
    (data / "state").write_text("in the way")
    shown = run("import", str(data))
    assert (shown.exit_code, f"{data / 'state'} is no folder. Move it away" in shown.output) == (1, True)
    assert "Traceback" not in shown.output


# --- serve -----------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_demo_accounts_are_not_served_to_others(run, data, host):
    with Store.open(data, rounds=4) as store:
        add_demo_accounts(store)
    refused = run("serve", "--host", host)
    assert refused.exit_code == 1
    assert "public password" in refused.stderr
    assert "manager.chicago" in refused.stderr


def test_demo_data_is_not_made_for_others(run, data):
    refused = run("serve", "--host", "0.0.0.0", "--demo")
    assert refused.exit_code == 1
    assert not (data / "deliveries").exists()
    assert not people(data)


def test_a_port_in_use_is_named(data):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [DASHBOARD, "serve", "--port", str(port)], capture_output=True, text=True, env=os.environ, check=False
        )
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1, port {port}: Address already in use" in done.stderr
    assert "--port" in done.stderr


# --- state and audit -------------------------------------------------------------------------


def test_a_back_up_from_start_to_end(run, add, tmp_path):
    add("ada", "--role", "admin")
    file = tmp_path / "state.backup"
    taken = run("state", "backup", str(file))
    assert (taken.exit_code, taken.output.splitlines()[0]) == (
        0, f"Wrote {file}: 1 users, 1 entries of the audit record.",
    )  # fmt: skip
    assert "The keys are not in it" in taken.stderr
    state = tmp_path / "state"
    assert f"{state / 'audit.key'} {state / 'patient.key'} {state / 'second-factor.key'}" in taken.stderr
    again = run("state", "backup", str(file))
    assert (again.exit_code, "--force" in again.stderr) == (1, True)
    run("users", "disable", "ada")
    refused = run("state", "restore", str(file))
    assert (refused.exit_code, "--force" in refused.stderr) == (1, True)
    restored = run("state", "restore", str(file), "--force")
    assert (restored.exit_code, "tokens for programs and one-time links have ended" in restored.stderr) == (0, True)
    assert not people(tmp_path)["ada"].disabled
    assert run("audit", "verify").exit_code == 0


def test_a_back_up_names_the_keys_where_they_are(run, add, tmp_path, monkeypatch):
    for name in ("AUDIT_KEY", "PATIENT_KEY_FILE", "SECOND_FACTOR_KEY"):
        monkeypatch.setenv(f"DASHBOARD_{name}", str(tmp_path / f"{name}.key"))
    add("ada", "--role", "admin")
    taken = run("state", "backup", str(tmp_path / "state.backup"))
    for name in ("AUDIT_KEY", "PATIENT_KEY_FILE", "SECOND_FACTOR_KEY"):
        assert str(tmp_path / f"{name}.key") in taken.stderr


def test_check_says_which_keys_are_there_missing_or_open_to_others(run, add, data, tmp_path):
    assert "none yet; they are made at first use" in run("check").output
    demo.write_delivery(tmp_path / "delivery", years=1, bookings=300)
    (tmp_path / "delivery" / "delivery.json").unlink()
    assert run("import", str(tmp_path / "delivery")).exit_code == 0
    state = data / "state"
    assert f"{state / 'audit.key'}, {state / 'patient.key'}; keep a copy elsewhere" in run("check").output
    (state / "patient.key").chmod(0o604)
    assert f"others may read {state / 'patient.key'}; run: chmod 600" in run("check").output
    (state / "patient.key").unlink()
    assert f"{state / 'patient.key'} is missing; put it back" in run("check").output
    with Store.open(data, rounds=4) as store:
        add("max", "--role", "manager", "--site", "dallas")
        AlertChannels(store).put("max", "hook", "https://hooks.example/x", None, "sealed")
    (state / "patient.key").write_bytes(b"x" * 32)
    (state / "patient.key").chmod(0o600)
    assert f"{state / 'second-factor.key'} is missing; put it back" in run("check").output
    (state / "audit.key").unlink()
    assert findings(run("check"))["keys"] == "problem"


def test_a_damaged_back_up_is_refused(run, add, tmp_path):
    add("ada", "--role", "admin")
    file = tmp_path / "state.backup"
    run("state", "backup", str(file))
    file.write_bytes(file.read_bytes()[:-5000])
    refused = run("state", "restore", str(file), "--force")
    assert refused.exit_code == 1
    assert "is damaged" in refused.stderr
    assert list(people(tmp_path)) == ["ada"]


def test_the_record_is_verified_headed_and_exported(run, add, data):
    add("ada", "--role", "admin")
    add("eve", "--role", "finance")
    assert run("audit", "verify").output == (
        "All 2 entries are as they were written; signals, marks on charts and closed months are as they say.\n"
    )
    head = run("audit", "head").output.strip()
    assert head.startswith("2:")
    exported = run("audit", "export", "--kind", "user", "--text", "eve")
    [row] = csv.DictReader(io.StringIO(exported.output.removeprefix("\ufeff")))
    assert (row["Number"], row["What"], row["Of what"]) == ("2", "User changed", "eve")
    assert row["Person"].startswith("os:")
    assert run("audit", "export", "--kind", "gossip").exit_code == 2
    with closing(sqlite3.connect(data / "state" / "state.db")) as connection, connection:
        connection.execute("drop trigger audit_no_delete")
        connection.execute("delete from audit where number > 1")
    cut = run("audit", "verify", "--head", head)
    assert cut.exit_code == 1
    assert "Entries 2 to 3 were cut off. 1 entries before it are as they were written." in cut.stderr
    assert findings(run("check"))["audit record"] == "problem"


def test_a_signal_that_was_put_into_the_register_is_found_by_verify_and_check(run, add, data):
    add("ada", "--role", "admin")
    assert findings(run("check"))["audit record"] == "ok"
    with closing(sqlite3.connect(data / "state" / "state.db")) as connection, connection:
        sha256 = hashlib.sha256(b"{}").hexdigest()
        connection.execute("insert into signals values (1, 'dallas', 'series', 'what', '{}', ?)", (sha256,))
    found = run("audit", "verify")
    assert found.exit_code == 1
    assert "Signal 1 was put in" in found.stderr
    assert findings(run("check"))["audit record"] == "problem"


def test_a_store_whose_key_is_gone_is_not_served(run, add, data):
    add("ada", "--role", "admin")
    (data / "state" / "audit.key").unlink()
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    refused = run("serve", "--port", str(port))
    assert refused.exit_code == 1
    assert "audit.key is missing" in refused.stderr
    assert "Put it back from its copy" in refused.stderr
    assert not (data / "state" / "audit.key").exists()


def test_the_key_of_the_record_is_renewed_and_a_lost_one_replaced(run, add, data):
    add("ada", "--role", "admin")
    key = data / "state" / "audit.key"
    known = key.read_bytes()
    assert run("audit", "renew-key").exit_code == 0
    assert key.read_bytes() != known
    key.unlink()
    refused = run("audit", "renew-key")
    assert (refused.exit_code, "renew-key --lost" in refused.stderr) == (1, True)
    done = run("audit", "renew-key", "--lost")
    assert (done.exit_code, "Copy the key" in done.stderr) == (0, True)
    assert (
        run("audit", "verify", "--head", done.stdout.split()[-1]).output
        == "All 3 entries are as they were written; signals, marks on charts and closed months are as they say.\n"
    )


def test_an_import_is_on_record_whether_it_succeeds_or_not(run, data, tmp_path):
    demo.write_delivery(tmp_path / "delivery", years=1, bookings=300)
    assert run("import", str(tmp_path / "delivery")).exit_code == 0
    assert run("import", str(tmp_path / "nothing")).exit_code == 1
    with Store.open(data, rounds=4) as store:
        failed, done = store.audit.search(Search(kinds=("import",)), 5)
    assert (done.subject, done.details["outcome"]) == ("delivery", "done")
    assert done.details["read"] == done.details["accepted"] + done.details["rejected"] > 300
    assert done.details["extract"].endswith(".duckdb")
    assert (failed.subject, failed.details) == ("nothing", {"outcome": "failed"})


def test_an_address_that_cannot_be_reached_is_told_in_one_message(run, monkeypatch):
    monkeypatch.setenv("DASHBOARD_STATE", "postgresql://ada:secret@127.0.0.1:1/state")
    for command in (["users", "list"], ["audit", "verify"], ["check"]):
        told = run(*command)
        assert told.exit_code == 1
        assert "secret" not in told.output
        assert "DASHBOARD_STATE" in told.output
