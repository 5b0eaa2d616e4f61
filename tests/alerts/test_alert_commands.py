"""`dashboard alerts`: for a timer, and for who looks after it; on demo data, which stay on this machine."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from dashboard.access import Role
from dashboard.alerts import rules
from dashboard.alerts.rules import Condition
from dashboard.alerts.run import reader_of
from dashboard.cli import main
from dashboard.state import Store
from dashboard.state.alert_channels import AlertChannels
from dashboard.state.alert_rules import AlertRules
from dashboard.state.demo import DEMO_ACCOUNTS, add_demo_accounts
from dashboard.warehouse import Warehouse


@pytest.fixture
def data(demo_settings, tmp_path):
    """A data folder with the demo extract and the demo accounts."""
    (tmp_path / "extracts").mkdir()
    for file in demo_settings.extracts.iterdir():
        (tmp_path / "extracts" / file.name).hardlink_to(file)
    with Store.open(tmp_path, rounds=4) as store:
        add_demo_accounts(store)
    return tmp_path


@pytest.fixture
def command(data, mail, hook):
    """Run a command of alerts; the result, with standard output and error apart."""
    given = {
        "DASHBOARD_DATA": str(data), "DASHBOARD_SMTP_HOST": "127.0.0.1", "DASHBOARD_SMTP_PORT": str(mail.port),
        "DASHBOARD_SMTP_TLS": "none", "DASHBOARD_MAIL_FROM": "dashboard@clinic.example",
        "DASHBOARD_WEBHOOK_HOSTS": hook.host,
    }  # fmt: skip

    def run(*words, **environment):
        return CliRunner().invoke(main, ["alerts", *words], env=given | environment)

    return run


def add(data, house: Warehouse, username, conditions, weekday=None):
    with Store.open(data, rounds=4) as store:
        store.small_cells = frozenset({"manager", "finance"})
        reader = reader_of(store, house, store.user(username))
        AlertRules(store).add(reader, conditions(reader))
        AlertChannels(store).put(username, "mail", f"{username}@clinic.example", weekday)


def usual(reader):
    return rules.usual(reader, reader.sites[0])


def test_a_timer_runs_them(data, demo_house, command, mail):
    add(data, demo_house, "manager.dallas", usual)
    dry = command("run", "--dry-run")
    assert (dry.exit_code, mail.arrived) == (0, [])
    assert "manager.dallas: would be sent by e-mail:\nSubject: Infusion dashboard: " in dry.stdout
    assert "Dallas: data end more than 2 days ago" in dry.stdout
    assert dry.stdout.endswith("nothing was kept or sent.\n")
    first = command("run")
    assert first.exit_code == 0
    assert re.search(r"^7 rules evaluated, \d+ opened, 0 recovered, 1 messages sent, 0 failed\.$", first.stdout, re.M)
    assert "manager.dallas: sent by e-mail: " in first.stdout
    again = command("run")
    assert again.stdout == "7 rules evaluated, 0 opened, 0 recovered, 0 messages sent, 0 failed.\n"
    assert len(mail.arrived) == 1
    # The address of a demo is this machine's.
    assert "http://127.0.0.1:8501/today?" in mail.texts()[0] or "http://127.0.0.1:8501/data" in mail.texts()[0]
    assert mail.texts()[0].startswith("Demo data: made up by a program, of no patient.")
    listed = command("list", "manager.dallas").stdout.splitlines()
    assert len(listed) == 7
    assert any("dallas: data end more than 2 days ago; open since 20" in line for line in listed)


def test_what_failed_is_said_where_a_timer_looks(data, demo_house, command, mail):
    add(data, demo_house, "admin", usual)
    failed = command("run", DASHBOARD_SMTP_HOST="")
    assert failed.exit_code == 1
    assert "admin: not sent by e-mail: no mail server is set" in failed.stderr
    assert failed.stdout.endswith("0 messages sent, 1 failed.\n")
    assert "not sent by e-mail: no mail server is set" in command("list").stdout
    assert command("run").exit_code == 0
    assert len(mail.arrived) == 1


def test_a_demo_sends_nothing_to_another_machine(data, demo_house, command, mail):
    add(data, demo_house, "admin", usual)
    refused = command("run", DASHBOARD_SMTP_HOST="smtp.example", DASHBOARD_SMTP_TLS="starttls")
    assert refused.exit_code == 1
    assert "nothing beyond this machine, and smtp.example is another" in refused.stderr


def test_a_test_message_says_that_it_arrives(data, command, mail, hook):
    assert "has neither an e-mail address nor a webhook" in command("test", "--user", "admin").stderr
    with Store.open(data, rounds=4) as store:
        AlertChannels(store).put("admin", "mail", "admin@clinic.example", None)
    assert command("test", "--user", "admin").exit_code == 0
    assert mail.subjects() == ["Infusion dashboard: a test, so that you know that alerts arrive"]
    failed = command("test", "--user", "admin", DASHBOARD_SMTP_PORT="1")
    assert (failed.exit_code, "does not answer" in failed.stderr) == (1, True)
    assert command("test", "--user", "nobody").exit_code == 1
    assert "There is no user nobody" in command("run", "--user", "nobody").stderr


def test_without_an_extract_nothing_is_evaluated(tmp_path):
    result = CliRunner().invoke(main, ["alerts", "run"], env={"DASHBOARD_DATA": str(tmp_path)})
    assert result.exit_code == 1
    assert "there is no extract yet" in result.stderr
    assert "No rules" in CliRunner().invoke(main, ["alerts", "list"], env={"DASHBOARD_DATA": str(tmp_path)}).stderr


def test_no_patient_and_no_row_of_the_demo_is_in_any_message(data, demo_house, command, mail):
    """Every account has every rule that is open to it, so that most of them open."""

    def everything(reader):
        for site in reader.sites:
            for name in rules.figures(reader):
                yield Condition(site, "threshold", name, "above", 0.0)
                yield Condition(site, "special", name, "any")
            yield Condition(site, "missing", "data", number=1.0)
            yield Condition(site, "missing", "forms", number=0.0)

    for username, _, role, _ in DEMO_ACCOUNTS:
        # Managers see no side effects of a day; nobody's message holds their number.
        add(data, demo_house, username, lambda reader: list(everything(reader)), weekday=0)
        assert role in Role
    assert command("run").exit_code == 0
    assert len(mail.arrived) == len(DEMO_ACCOUNTS)
    sent = "\n".join(str(message.items()) + message.get_content() for _, message in mail.arrived)
    assert sent.count("Bookings in Dallas: above 0") > 3
    rows = demo_house._run("select booking_id, patient::varchar as patient, provider from bookings", {})
    events = demo_house._run("select event_id, action from side_effects", {})
    words = {
        *rows["booking_id"],
        *rows["patient"],
        *rows["provider"].dropna(),
        *events["event_id"],
        *events["action"].dropna(),
    }
    assert len(words) > 5_000
    assert [word for word in words if word and word in sent] == []
    told = re.findall(r"- (Side effects reported in .*)\r?\n  (.*)", sent)
    assert told
    assert all(
        re.fullmatch(
            r"\w+day \d+ \w+ \d{4}: Side effects reported in [\w ]+: as the rule says\. The page Today has the figures",
            said.strip(),
        )
        for _, said in told
    )
