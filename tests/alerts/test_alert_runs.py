"""Runs: each alert told once, by every channel, to who may know it; nothing lost and nothing of a patient sent."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import socket
import threading
from dataclasses import replace

import pytest
from alerts_clinic import FRIDAY, MARKS, NO_SHOWS, SECRET, SPIKE, THURSDAY, days, rule_of

from dashboard.access import Role
from dashboard.alerts import deliver, rules
from dashboard.alerts.rules import Condition
from dashboard.settings import Mail
from dashboard.state import StateError
from dashboard.state.audit import Search
from tests.ports import free_port

# --- told once -------------------------------------------------------------------------------


def test_an_alert_is_told_once_and_so_is_its_recovery(spiked, mail):
    assert spiked.run().sent == 1
    [(to, message)] = mail.arrived
    text = message.get_content()
    assert to == message["To"] == "max@clinic.example"
    assert message["Subject"] == "Infusion dashboard: Alert: No-show rate in Dallas: out of the usual, for the worse"
    assert "Thursday 26 Mar 2026: No-shows 15 of 20 (75.0 %): above the upper limit of" in text
    assert "https://dashboard.example/today?period=28-days&figure=no-show-rate&site=dallas&day=2026-03-26" in text
    assert rule_of(spiked).open_since == THURSDAY
    for _ in range(3):
        tally = spiked.run()
        assert (tally.opened, tally.sent, tally.failed) == (0, 0, 0)
    spiked.data_to(FRIDAY, spikes=SPIKE | {("dallas", FRIDAY)})
    assert (spiked.run().sent, rule_of(spiked).open_since) == (0, THURSDAY)
    saturday = FRIDAY + days(1)
    spiked.data_to(saturday, spikes=SPIKE | {("dallas", FRIDAY)})
    assert (spiked.run().recovered, spiked.run().sent) == (1, 0)
    assert (
        mail.subjects()[1] == "Infusion dashboard: Recovered: No-show rate in Dallas: out of the usual, for the worse"
    )
    assert rule_of(spiked).open_since is None
    outcomes = [(one.day, one.outcome) for one in spiked.rules.found("max", rule_of(spiked).rule, 9)]
    assert outcomes == [(saturday, "quiet"), (FRIDAY, "alert"), (THURSDAY, "alert")]
    assert spiked.rules.found("two", rule_of(spiked).rule, 9) == []


def test_a_weekend_without_runs_is_caught_up_in_one_message(clinic, mail):
    clinic.data_to(THURSDAY)
    clinic.add("max", NO_SHOWS, Condition("dallas", "missing", "bookings"))
    clinic.mail_to("max")
    assert clinic.run().sent == 0
    saturday = FRIDAY + days(1)
    clinic.data_to(saturday + days(3), spikes={("dallas", FRIDAY)}, gaps={("dallas", saturday)})
    tally = clinic.run()
    assert (tally.opened, tally.recovered, tally.sent) == (2, 2, 1)
    [text] = mail.texts()
    assert mail.subjects() == ["Infusion dashboard: 2 new alerts, 2 recovered"]
    assert "Friday 27 Mar 2026: No-shows 15 of 20" in text
    assert "No bookings on Saturday 28 Mar 2026 in Dallas" in text


def test_two_runs_at_once_send_once(spiked, mail, place):
    """The second run begins and ends while the first one's message is on its way."""
    mail.wait = threading.Event()
    tallies = []
    first = threading.Thread(target=lambda: tallies.append(spiked.run()))
    first.start()
    assert mail.began.wait(30)
    with place.open(clock=spiked.clock) as other:
        other.small_cells = spiked.settings.small_cells
        second = type(spiked)(spiked.settings, other, spiked.clock)
        assert second.run().sent == 0
        assert second.said == ["max: another run is sending by e-mail"]
    mail.wait.set()
    first.join(30)
    assert [tally.sent for tally in tallies] == [1]
    assert len(mail.arrived) == 1
    assert spiked.run().sent == 0


def test_many_runs_from_the_beginning_open_and_send_once(spiked, mail, place):
    house = spiked.house()

    def one():
        with place.open(clock=spiked.clock) as other:
            other.small_cells = spiked.settings.small_cells
            type(spiked)(spiked.settings, other, spiked.clock, shared=house).run()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    spiked.run()
    assert len(mail.arrived) == 1
    assert len(spiked.rules.events("max", spiked.clock() - days(1))) == 1


# --- nothing lost ----------------------------------------------------------------------------


def test_what_could_not_be_sent_is_shown_and_sent_by_the_next_run(spiked, mail):
    mail.answer = "451 Try again later"
    for _ in range(2):
        tally = spiked.run()
        assert (tally.sent, tally.failed) == (0, 1)
    own = spiked.channels.of("max")["mail"]
    assert own.fault == "the mail server refused the message with code 451"
    assert own.failing_since == spiked.clock()
    assert spiked.channels.failing() == 1
    # Another day with something new goes with it, in one message.
    spiked.add("max", Condition("dallas", "threshold", "bookings", "above", 19))
    spiked.data_to(FRIDAY, spikes=SPIKE)
    mail.answer = "250 OK"
    assert spiked.run().sent == 1
    assert mail.subjects() == ["Infusion dashboard: 2 new alerts, 1 recovered"]
    own = spiked.channels.of("max")["mail"]
    assert (own.fault, own.failing_since, own.sent_at) == (None, None, spiked.clock())
    changes = [entry.details["change"] for entry in spiked.store.audit.search(Search(text="message to"), 9)]
    assert changes == ["sent", "not sent"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mail": None}, "no mail server is set"),
        ({"mail_domains": frozenset({"other.example"})}, "Messages go to these domains only: other.example"),
    ],
)
def test_a_setting_that_lets_nothing_out_loses_nothing(spiked, mail, change, words):
    assert spiked.run(**change).failed == 1
    assert words in spiked.channels.of("max")["mail"].fault
    assert mail.arrived == []
    assert spiked.run().sent == 1


@pytest.fixture
def runs_that_hang(spiked, monkeypatch):
    """A run for two people's mails to a server that lets itself be connected to and never says a word."""
    monkeypatch.setattr(deliver, "TIMEOUT", 0.2)
    spiked.add("two", NO_SHOWS)
    spiked.mail_to("two")

    with socket.create_server(("127.0.0.1", 0)) as hanging:
        settings = Mail("127.0.0.1", hanging.getsockname()[1], "none", "a@clinic.example")

        def run():
            """Who was tried, and who was not."""
            spiked.said.clear()
            assert spiked.run(mail=settings).failed == 2
            [tried, left] = spiked.said
            assert "does not answer" in tried
            assert "not tried by e-mail, since the other side hung just now" in left
            return tried.split(":")[0], left.split(":")[0]

        yield run


def test_a_mail_server_that_hangs_is_waited_for_once_a_run_and_not_by_the_same(spiked, runs_that_hang):
    """Whoever it hung for comes last in the next run: it may hang for them alone."""
    tried, left = runs_that_hang()
    assert {tried, left} == {"max", "two"}
    assert runs_that_hang() == (left, tried)
    assert spiked.run().sent == 2


def test_of_those_that_a_server_hangs_for_another_is_tried_at_another_time(spiked, runs_that_hang):
    tried = []
    for _ in range(12):
        spiked.clock.now += dt.timedelta(hours=1)
        tried.append(runs_that_hang()[0])
    # In the first two runs it is each in turn.
    assert set(tried[2:]) == {"max", "two"}


def test_a_mail_server_that_is_not_there_is_named(spiked, mail):
    assert spiked.run(mail=replace(mail.settings, port=free_port())).failed == 1
    assert "does not answer" in spiked.channels.of("max")["mail"].fault
    assert spiked.run(mail=replace(mail.settings, host="smtp..example")).failed == 1
    assert "smtp..example:" in spiked.channels.of("max")["mail"].fault
    assert spiked.run().sent == 1


def test_each_channel_is_retried_by_itself(spiked, mail, hook):
    spiked.hook_to("max", hook.url)
    hook.status = 500
    tally = spiked.run()
    assert (tally.sent, tally.failed) == (1, 1)
    assert spiked.channels.of("max")["hook"].fault == "the webhook answered with status 500, not 2xx"
    hook.status = 200
    assert (spiked.run().sent, spiked.run().sent) == (1, 0)
    assert (len(mail.arrived), len(hook.posted)) == (1, 2)
    # The same delivery twice, as the receiver can tell.
    assert len({headers[deliver.DELIVERY] for headers, _ in hook.posted}) == 1


def test_a_delivery_with_more_in_it_is_another_one(spiked, mail, hook):
    """A receiver that knows the first and drops repetitions would lose what was added."""
    spiked.hook_to("max", hook.url)
    hook.status = 500
    spiked.run()
    spiked.add("max", Condition("dallas", "threshold", "bookings", "above", 19))
    spiked.data_to(FRIDAY, spikes=SPIKE)
    hook.status = 200
    assert spiked.run().failed == 0
    assert [len(body["opened"]) for body in hook.bodies()] == [1, 2]
    assert len({headers[deliver.DELIVERY] for headers, _ in hook.posted}) == 2


def test_a_mail_server_that_takes_its_time_over_a_message_is_waited_for(spiked, mail, monkeypatch):
    monkeypatch.setattr(deliver, "TIMEOUT", 0.5)
    mail.wait = threading.Event()
    threading.Timer(1.5, mail.wait.set).start()
    assert (spiked.run().sent, spiked.run().sent) == (1, 0)
    assert len(mail.arrived) == 1


def test_what_a_mail_server_says_to_the_goodbye_sends_nothing_twice(spiked, mail):
    mail.goodbye = "421 Too many connections"
    assert (spiked.run().sent, spiked.run().sent) == (1, 0)
    assert len(mail.arrived) == 1
    assert spiked.channels.failing() == 0


def test_a_run_that_was_killed_while_sending_is_made_up_for(spiked, mail):
    assert spiked.channels.claim("max", "mail")
    assert spiked.run().sent == 0
    spiked.clock.pass_by(minutes=9)
    assert spiked.run().sent == 0
    spiked.clock.pass_by(minutes=2)
    assert spiked.run().sent == 1


# --- to who may know it ----------------------------------------------------------------------


def test_who_is_disabled_is_sent_nothing_until_admitted_again(spiked, mail):
    spiked.store.disable("max")
    assert spiked.run().sent == 0
    assert spiked.said == ["max: disabled, so nothing is evaluated or sent"]
    spiked.store.enable("max")
    assert spiked.run().sent == 1


def test_a_site_that_was_lost_is_skipped_and_said_so(spiked, mail):
    """Also what was found before it was lost, and is still to be sent."""
    mail.answer = "451 Try again later"
    spiked.run()
    mail.answer = "250 OK"
    spiked.store.set_role("max", Role.MANAGER, ["chicago"])
    assert spiked.run().sent == 0
    rule = rule_of(spiked)
    assert spiked.said[-1] == (
        f"max: rule {rule.rule} is skipped. Its site is not open to this account, or not in the data any more."
    )
    assert mail.arrived == []
    spiked.store.set_role("max", Role.FINANCE, ["dallas"])
    assert spiked.run().sent == 0
    assert "Its figure is not open to this account" in spiked.said[-1]
    spiked.store.set_role("max", Role.MANAGER, ["dallas"])
    assert spiked.run().sent == 1


def test_each_person_is_told_of_their_own_rules(clinic, mail):
    clinic.data_to(THURSDAY, spikes={("dallas", THURSDAY), ("chicago", THURSDAY)})
    clinic.add("max", NO_SHOWS)
    clinic.add("two", Condition("chicago", "special", "no_show_rate", "any"), NO_SHOWS)
    clinic.add("eve", *rules.usual(clinic.reader("eve"), "chicago"))
    for username in ("max", "two", "eve"):
        clinic.mail_to(username)
    clinic.run()
    texts = {to.split("@")[0]: message.get_content() for to, message in mail.arrived}
    assert texts.keys() == {"max", "two"}
    assert "Chicago" not in texts["max"]
    assert "Chicago" in texts["two"]
    with pytest.raises(rules.RuleError, match="site is not open"):
        clinic.add("max", Condition("chicago", "special", "no_show_rate", "any"))
    with pytest.raises(rules.RuleError, match="figure is not open"):
        clinic.add("eve", NO_SHOWS)
    with pytest.raises(StateError, match="not there any more"):
        clinic.rules.snooze("two", rule_of(clinic).rule, THURSDAY)
    clinic.rules.remove("two", rule_of(clinic).rule)
    assert rule_of(clinic).username == "max"


# --- the week --------------------------------------------------------------------------------


def test_the_week_comes_once_a_week_with_what_happened(spiked, mail):
    spiked.mail_to("max", weekday=0)
    spiked.add(
        "max", Condition("dallas", "threshold", "bookings", "above", 19), Condition("dallas", "missing", "bookings")
    )
    snoozed = next(rule for rule in spiked.rules.of("max") if rule.condition.kind == "missing")
    spiked.rules.snooze("max", snoozed.rule, FRIDAY + days(90))
    spiked.run()
    spiked.data_to(FRIDAY, spikes=SPIKE)
    spiked.run()
    assert len(mail.arrived) == 2
    sunday = FRIDAY + days(2)
    spiked.data_to(sunday, spikes=SPIKE)  # the run is on Monday morning
    mail.answer = "451 Try again later"
    assert spiked.run().failed == 1
    spiked.clock.pass_by(days=1)
    mail.answer = "250 OK"
    assert (spiked.run().sent, spiked.run().sent) == (1, 0)
    assert mail.subjects()[2] == "Infusion dashboard: Your week: 1 alert open"
    text = mail.texts()[2]
    for heading in ("Opened (2):", "Recovered (1):", "Still open (1):", "Snoozed (1):"):
        assert heading in text
    assert "Snoozed (1):\n- Dallas: an open day without bookings\n  until 2026-06-25" in text
    spiked.clock.pass_by(days=5)
    assert spiked.run().sent == 0
    spiked.clock.pass_by(days=1)
    assert spiked.run().sent == 1
    assert "Opened" not in mail.texts()[3]


def test_the_week_says_that_rules_about_a_lost_site_are_not_evaluated(spiked, mail):
    """Or it reads as if all were quiet there."""
    spiked.store.set_role("max", Role.MANAGER, ["chicago"])
    spiked.mail_to("max", weekday=0)
    spiked.clock.now = dt.datetime(2026, 4, 6, 12, tzinfo=dt.UTC)  # a Monday
    assert spiked.run().sent == 1
    [text] = mail.texts()
    assert "1 rule is not evaluated: the site or figure is not open to you, or not in the data any more." in text
    assert "dallas" not in text.lower()
    # Off is off.
    spiked.rules.switch("max", rule_of(spiked).rule, on=False)
    spiked.clock.pass_by(days=7)
    assert spiked.run().sent == 1
    assert "not evaluated" not in mail.texts()[1]


def test_a_digest_begins_after_the_day_it_was_asked_for(spiked, mail):
    spiked.run()
    spiked.clock.now = dt.datetime(2026, 3, 30, 12, tzinfo=dt.UTC)  # a Monday
    spiked.mail_to("max", weekday=0)
    assert spiked.run().sent == 0
    spiked.clock.pass_by(days=7)
    assert spiked.run().sent == 1


def test_a_digest_is_sent_again_once_a_clock_that_was_ahead_is_set_right(spiked, mail):
    spiked.run()
    spiked.clock.now = dt.datetime(2027, 3, 29, 12, tzinfo=dt.UTC)
    spiked.mail_to("max", weekday=0)
    spiked.clock.now = dt.datetime(2026, 3, 31, 12, tzinfo=dt.UTC)
    assert (spiked.run().sent, spiked.run().sent) == (1, 0)
    spiked.clock.pass_by(days=7)
    assert spiked.run().sent == 1


# --- what goes over the line -----------------------------------------------------------------


def test_a_webhooks_message_is_signed_and_whole(spiked, hook):
    spiked.hook_to("max", hook.url)
    spiked.run()
    [(headers, body)] = hook.posted
    signed = headers["X-Dashboard-Timestamp"].encode() + b"." + body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["X-Dashboard-Signature"] == f"sha256={expected}"
    [found] = hook.bodies()
    assert (found["version"], found["demo"], found["recovered"]) == (1, False, [])
    [alert] = found["opened"]
    assert alert["said"].startswith("No-shows 15 of 20 (75.0 %): above the upper limit")
    assert (alert["site"], alert["kind"], alert["what"], alert["day"]) == (
        "dallas", "special", "no_show_rate", "2026-03-26",
    )  # fmt: skip
    assert alert["rule"] == rule_of(spiked).rule
    assert "week" not in found
    with spiked.store.database.read() as connection:
        sealed = connection.exec_driver_sql(
            "select sealed_secret from alert_channels where channel = 'hook'"
        ).scalar()
    assert SECRET not in sealed


def test_a_webhook_whose_key_is_lost_says_the_way_out_and_goes_on_with_a_new_secret(spiked, mail, hook):
    spiked.hook_to("max", hook.url)
    (spiked.settings.state / "second-factor.key").unlink()
    assert spiked.run().sent == 1  # the mail
    [said] = [one for one in spiked.said if "not sent by webhook" in one]
    assert "second-factor.key does not open what the state store holds. Put back the right one, or make" in said
    assert said.endswith("a new secret on the page Alerts. The next run tries again")
    assert hook.posted == []
    spiked.hook_to("max", hook.url)
    assert (spiked.run().sent, len(hook.posted)) == (1, 1)


def test_a_redirect_is_not_followed(spiked, hook):
    spiked.hook_to("max", hook.url)
    hook.status, hook.location = 307, f"http://{hook.host}/elsewhere"
    assert spiked.run().failed == 1
    assert len(hook.posted) == 1
    assert spiked.channels.of("max")["hook"].fault == "the webhook answered with status 307, not 2xx"


def test_a_host_that_is_not_allowed_any_more_is_not_called(spiked, hook):
    spiked.hook_to("max", hook.url)
    assert spiked.run(webhook_hosts=frozenset({"hooks.example"})).failed == 1
    assert hook.posted == []
    assert "Webhooks go to these hosts only: hooks.example" in spiked.channels.of("max")["hook"].fault


def test_no_row_of_a_patient_is_in_any_message(clinic, mail, hook):
    """Everybody has every rule that is open to them, each so that it opens."""
    clinic.data_to(FRIDAY, spikes={(site, FRIDAY) for site in ("dallas", "chicago")})
    for username in ("max", "dan", "eve", "ada"):
        reader = clinic.reader(username)
        for site in (site for site in reader.sites if site != "miami_beach"):
            figures = [Condition(site, "threshold", name, "above", 0.0) for name in rules.figures(reader)]
            special = [Condition(site, "special", name, "any") for name in rules.figures(reader)]
            clinic.add(username, *figures, *special, *rules.usual(reader, site))
        clinic.mail_to(username, weekday=FRIDAY.weekday() + 1)
        clinic.hook_to(username, hook.url)
    clinic.clock.pass_by(days=6)
    tally = clinic.run()
    assert tally.opened > 40
    assert tally.sent == 8
    sent = [str(message.items()) + message.get_content() for _, message in mail.arrived] + [
        body.decode() for _, body in hook.posted
    ]
    assert len(sent) == 8
    assert [mark for mark in MARKS if any(mark in one for one in sent)] == []
    entries = clinic.store.audit.search(Search(kinds=("alert",)), 500)
    kept = [entry.text + entry.subject for entry in entries]
    assert [word for word in ("15 of 20", "@", "http", *MARKS) if any(word in one for one in kept)] == []
    assert any("change sent; alerts" in one for one in kept)


# --- dry ------------------------------------------------------------------------------------


def test_a_dry_run_says_what_would_be_sent_and_keeps_nothing(spiked, mail):
    tally = spiked.dry_run()
    assert (tally.opened, tally.sent) == (1, 0)
    assert any("Subject: Infusion dashboard: Alert: No-show rate in Dallas" in line for line in spiked.said)
    assert mail.arrived == []
    assert (rule_of(spiked).evaluated_on, spiked.channels.last_run()) == (None, None)
    assert spiked.run().sent == 1
    run = spiked.channels.last_run()
    assert (run.at, run.rules, run.opened, run.sent, run.failed) == (spiked.clock(), 1, 1, 1, 0)


def test_a_run_for_one_person_by_hand_does_not_hide_that_the_timer_has_stopped(spiked, mail):
    assert spiked.run("max").sent == 1
    assert spiked.channels.last_run() is None
    spiked.run()
    ran = spiked.channels.last_run()
    spiked.clock.pass_by(minutes=90)
    spiked.run("max")
    assert spiked.channels.last_run() == ran
