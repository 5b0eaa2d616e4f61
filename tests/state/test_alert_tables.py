"""Alerts in back-ups: what was told isn't told again, what wasn't is, on either back end."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dashboard.access import Role
from dashboard.alerts.evaluate import Finding, Step
from dashboard.alerts.rules import Condition
from dashboard.state import Store, backup
from dashboard.state.alert_channels import AlertChannels, Run
from dashboard.state.alert_rules import AlertRules
from dashboard.state.tables import alert_rules

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = date(2026, 11, 1)


@pytest.fixture
def store(place):
    with place.open(clock=lambda: NOW) as store:
        store.add_user("ada", Role.MANAGER, "correct horse battery", sites=["dallas"])
        yield store


def opened(store, key="r1"):
    """A rule whose alert has opened."""
    condition = Condition("dallas", "threshold", "no_show_rate", "above", 12.5, 10)
    with store.database.write() as connection:
        connection.execute(
            alert_rules.insert().values(
                rule=key, username="ada", active=True, version=1, created_at=NOW, **vars(condition)
            )
        )
    [rule] = [one for one in AlertRules(store).of("ada") if one.rule == key]
    assert rule.condition == condition
    step = Step("opened", DAY, "said")
    assert AlertRules(store).record(rule, [Finding(DAY, "alert", "said")], [step], held=False)
    return rule


def test_a_back_up_brings_rules_and_what_is_to_be_told_to_the_other_back_end(store, tmp_path, request, place):
    channels = AlertChannels(store)
    channels.put("ada", "mail", "ada@clinic.example", 0)
    channels.put("ada", "hook", "https://hooks.example/x", None, "sealed")
    rule = opened(store)
    [due] = channels.due("ada", "mail")
    channels.sent("ada", "mail", [due.event], None, alerts=1)
    channels.failed("ada", "hook", "no answer")
    channels.note_run(Run(NOW, 1, 1, 0, 1, 1))
    file = tmp_path / "state.backup"
    backup.take(store.database, store.audit, file, actor="os:root")
    data = tmp_path / "elsewhere"
    key = place.data / "state" / "audit.key"
    url = None
    if place.url is None:
        server = request.getfixturevalue("postgresql_server")
        name = server.create()
        url = server.url(name)
    with Store.open(data, rounds=4, audit_key=key, url=url) as other:
        backup.restore(other.database, other.audit, file, actor="os:root")
        [restored] = AlertRules(other).of("ada")
        assert (restored.condition, restored.open_since, restored.evaluated_on) == (rule.condition, DAY, DAY)
        assert AlertRules(other).found("ada", rule.rule, 9) == AlertRules(store).found("ada", rule.rule, 9)
        there = AlertChannels(other)
        assert there.of("ada") == channels.of("ada")
        assert (there.due("ada", "mail"), there.due("ada", "hook")) == ([], [due])
        assert there.last_run() == Run(NOW, 1, 1, 0, 1, 1)
        assert other.audit.verify().fault is None
    if url:
        server.drop(name)


def test_what_changed_meanwhile_or_was_recorded_by_another_is_not_recorded_again(store):
    AlertChannels(store).put("ada", "mail", "ada@clinic.example", None)
    kept = AlertRules(store)
    rule = opened(store)
    assert not kept.record(rule, [Finding(DAY, "alert", "said")], [Step("opened", DAY, "said")], held=False)
    assert len(AlertChannels(store).due("ada", "mail")) == 1
    [present] = kept.of("ada")
    kept.switch("ada", rule.rule, on=False)
    assert not kept.record(present, [Finding(DAY, "quiet", "said")], [Step("recovered", DAY, "said")], held=False)
    assert AlertChannels(store).due("ada", "mail") == []


def test_an_address_that_is_removed_takes_along_what_was_to_be_sent_there(store):
    channels = AlertChannels(store)
    channels.put("ada", "mail", "ada@clinic.example", None)
    channels.put("ada", "hook", "https://hooks.example/x", None, "sealed")
    opened(store)
    channels.remove("ada", "mail")
    channels.put("ada", "mail", "ada@clinic.example", None)
    assert channels.due("ada", "mail") == []
    assert len(channels.due("ada", "hook")) == 1
    # Another address of a webhook keeps the secret until a new one is made.
    channels.put("ada", "hook", "https://hooks.example/y", 3)
    own = channels.of("ada")["hook"]
    assert (own.target, own.sealed_secret, own.weekday) == ("https://hooks.example/y", "sealed", 3)
