"""The page Alerts as people use it: rules made, changed, snoozed, deleted; addresses kept or refused with a reason."""

from __future__ import annotations

import datetime as dt

import pytest
from elements import html, sent
from streamlit.testing.v1 import AppTest

from dashboard.access import Role
from dashboard.alerts import rules
from dashboard.alerts.run import Runner, reader_of
from dashboard.settings import ROOT, Settings
from dashboard.shelf import Shelf
from dashboard.state import Store, session_key
from dashboard.state.alert_channels import AlertChannels
from dashboard.state.alert_rules import AlertRules

WHO = "manager.dallas"


@pytest.fixture
def store(data):
    with Store.open(data, rounds=4) as store:
        store.small_cells = frozenset({"manager", "finance"})
        yield store
        for username in (WHO, "manager.two", "finance", "director"):
            for rule in AlertRules(store).of(username):
                AlertRules(store).remove(username, rule.rule)
            for name in AlertChannels(store).of(username):
                AlertChannels(store).remove(username, name)


@pytest.fixture
def evaluate(store, data):
    """Run the rules as the timer does."""

    def run():
        house = Shelf(Settings(data=data)).current()
        return Runner(Settings(data=data), store, house, dt.datetime.now(dt.UTC), lambda _: None).run()

    return run


def press(at, label):
    next(button for button in at.button if button.label == label).click()
    return at.run()


def field(elements, label):
    return next(one for one in elements if one.label == label)


def opened(at, rule):
    at.session_state[f"rule_{rule}"] = True
    return at.run()


def labels(at):
    return [one.label for one in at.expander]


def test_the_usual_rules_come_in_one_click_and_are_then_there(visit, store, evaluate):
    at = visit(WHO, "alerts")
    assert "No rules yet" in html(at)
    # The site is named once, however long its name is.
    assert "The usual rules of Dallas:<ul><li>Bookings: out of the usual</li>" in html(at)
    assert "<li>Data end more than 2 days ago</li><li>An open day without bookings</li>" in html(at)
    at = press(at, "Add the usual rules")
    assert not at.exception
    assert len(AlertRules(store).of(WHO)) == 7
    assert "You have the usual rules of Dallas." in html(at)
    assert "Add the usual rules" not in [button.label for button in at.button]
    assert sum("**Not checked yet** · " in label for label in labels(at)) == 7
    evaluate()
    at = visit(WHO, "alerts")
    is_open = sum(rule.open_since is not None for rule in AlertRules(store).of(WHO))
    assert f"{is_open} of your 7 rules with an open alert" in html(at)
    assert labels(at)[0].startswith("**Open since ")
    assert "Dallas: data end more than 2 days ago" in labels(at)[0]
    rule = next(rule for rule in AlertRules(store).of(WHO) if rule.condition.what == "no_show_rate")
    at = opened(at, rule.rule)
    [evaluation] = AlertRules(store).found(WHO, rule.rule, 9)
    assert evaluation.said in html(at)
    assert f"/today?period=28-days&amp;figure=no-show-rate&amp;site=dallas&amp;day={evaluation.day}" in html(at)
    # Another person has none of them.
    assert "No rules yet" in html(visit("manager.two", "alerts"))


def test_what_the_page_says_of_a_rule_is_what_today_says(visit, store, evaluate):
    press(visit(WHO, "alerts"), "Add the usual rules")
    evaluate()
    today = html(visit(WHO, "today"))
    special = [rule for rule in AlertRules(store).of(WHO) if rule.condition.kind == "special"]
    assert len(special) == 4
    for rule in special:
        [found] = AlertRules(store).found(WHO, rule.rule, 9)
        assert found.said in today


def test_a_rule_of_ones_own_is_made_changed_snoozed_switched_off_and_deleted(visit, store):
    at = visit(WHO, "alerts")
    at.session_state["own_rule"] = True
    at.run()
    field(at.selectbox, "Tell me when").set_value("threshold").run()
    field(at.selectbox, "Figure").set_value("no_show_rate").run()
    field(at.selectbox, "Which way").set_value("below")
    field(at.number_input, "Number, percent").set_value(12.5)
    field(at.number_input, "Not judged below so many past appointments").set_value(3)
    at = press(at, "Add the rule")
    assert not at.exception
    [rule] = AlertRules(store).of(WHO)
    assert vars(rule.condition) == {
        "site": "dallas", "kind": "threshold", "what": "no_show_rate", "side": "below", "number": 12.5, "least": 3,
    }  # fmt: skip
    assert "No-show rate in Dallas: below 12.5 %, of at least 3 past appointments" in sent(at)
    at = visit(WHO, "alerts")
    at = opened(at, rule.rule)
    field(at.number_input, "Number, percent").set_value(2000.0)
    at = press(at, "Change")
    assert [error.value for error in at.error] == ["The number lies between 0 and 1,000. Nothing was changed."]
    field(at.number_input, "Number, percent").set_value(20.0)
    at = press(at, "Change")
    [rule] = AlertRules(store).of(WHO)
    assert rule.condition.number == 20
    at = press(opened(visit(WHO, "alerts"), rule.rule), "Snooze")
    [rule] = AlertRules(store).of(WHO)
    assert dt.timedelta(days=5) < rule.snoozed_until - dt.date.today() <= dt.timedelta(days=8)
    assert any(label.startswith("**Snoozed until ") for label in labels(at))
    at = press(opened(visit(WHO, "alerts"), rule.rule), "End the snooze")
    at = press(opened(visit(WHO, "alerts"), rule.rule), "Switch off")
    [rule] = AlertRules(store).of(WHO)
    assert (rule.active, rule.snoozed_until) == (False, None)
    assert any(label.startswith("**Off** ") for label in labels(at))
    at = press(opened(visit(WHO, "alerts"), rule.rule), "Delete the rule")
    assert AlertRules(store).of(WHO) == []
    assert not at.exception


def test_finance_is_told_of_missing_data_alone(visit, store):
    at = visit("finance", "alerts")
    at.session_state["own_rule"] = True
    at.run()
    assert field(at.selectbox, "Tell me when").options == ["Data are missing"]
    assert "Side-effect forms not filled in" in field(at.selectbox, "Which data").options
    press(at, "Add the usual rules")
    assert {rule.condition.kind for rule in AlertRules(store).of("finance")} == {"missing"}


def test_a_rule_about_a_site_that_was_lost_says_so_without_its_name(store, data):
    store.add_user("mover", Role.MANAGER, "correct horse battery", sites=["chicago"])
    reader = reader_of(store, Shelf(Settings(data=data)).current(), store.user("mover"))
    AlertRules(store).add(reader, rules.usual(reader, "chicago"))
    store.set_role("mover", Role.MANAGER, ["dallas"])
    at = AppTest.from_file(ROOT / "dashboard" / "main.py", default_timeout=30)
    at.user = {"session": session_key(store.open_session("mover"))}
    at.run()
    at = opened(at.switch_page("../pages/alerts.py").run(), AlertRules(store).of("mover")[0].rule)
    assert not at.exception
    assert "hicago" not in sent(at)
    assert sum("Not checked: a rule about what is not open to you now" in label for label in labels(at)) == 7
    named = [button.label for button in at.button if "rule" in button.label]
    assert named == ["Delete the rule", "Add the usual rules"]


@pytest.fixture
def sending(monkeypatch):
    """A mail server and a host of webhooks, as the settings name them; nothing is sent by the page."""
    monkeypatch.setenv("DASHBOARD_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("DASHBOARD_SMTP_TLS", "none")
    monkeypatch.setenv("DASHBOARD_MAIL_FROM", "dashboard@clinic.example")
    monkeypatch.setenv("DASHBOARD_WEBHOOK_HOSTS", "hooks.example")


@pytest.mark.parametrize(("username", "named"), [(WHO, False), ("admin", True)])
def test_without_a_setting_nothing_is_asked_for(visit, username, named):
    at = visit(username, "alerts")
    assert [one.label for one in at.text_input] == []
    said = " ".join(one.value for one in at.caption)
    # What is set by whom: an administrator reads the setting's name, others whom to ask.
    assert ("DASHBOARD_SMTP_HOST" in said) is named
    assert ("DASHBOARD_WEBHOOK_HOSTS" in said) is named
    assert said.count("an administrator can set that up") == (0 if named else 2)


def test_an_address_is_kept_or_refused_with_a_reason(visit, store, sending):
    at = visit(WHO, "alerts")
    field(at.text_input, "E-mail address").set_value("max")
    next(button for button in at.button if button.label == "Keep").click()
    at.run()
    assert at.error[0].value == "This is no e-mail address: write it as name@clinic.example. Nothing was changed."
    field(at.text_input, "E-mail address").set_value("max@clinic.example")
    field(at.selectbox, "Weekly digest").set_value("0")
    next(button for button in at.button if button.label == "Keep").click()
    at.run()
    assert not at.error
    own = AlertChannels(store).of(WHO)["mail"]
    assert (own.target, own.weekday) == ("max@clinic.example", 0)
    assert "Nothing was sent yet." in html(at)
    AlertChannels(store).failed(WHO, "mail", "the mail server refused the message with code 451")
    assert "451. The next run tries again." in html(visit(WHO, "alerts"))
    at = press(visit(WHO, "alerts"), "Remove")
    assert AlertChannels(store).of(WHO) == {}


def test_a_webhooks_secret_is_shown_once(visit, store, sending):
    at = visit(WHO, "alerts")
    field(at.text_input, "Webhook").set_value("https://169.254.169.254/latest")
    [_, keep] = [button for button in at.button if button.label == "Keep"]
    keep.click()
    at.run()
    assert at.error[0].value == "Webhooks go to these hosts only: hooks.example. Nothing was changed."
    field(at.text_input, "Webhook").set_value("https://hooks.example/alerts")
    [_, keep] = [button for button in at.button if button.label == "Keep"]
    keep.click()
    at.run()
    [secret] = [one.value for one in at.code]
    assert len(secret) == 43
    assert secret not in AlertChannels(store).of(WHO)["hook"].sealed_secret
    at.run()
    assert [one.value for one in at.code] == []
    at = press(at, "New secret")
    [other] = [one.value for one in at.code]
    assert other != secret
