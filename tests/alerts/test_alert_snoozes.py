"""Rules that are snoozed, off, changed or too many."""

from __future__ import annotations

import pytest
from alerts_clinic import FRIDAY, NO_SHOWS, SPIKE, THURSDAY, days, rule_of

from dashboard.alerts import rules
from dashboard.alerts.rules import Condition
from dashboard.state import StateError
from dashboard.state.audit import Search


def test_a_snooze_holds_back_and_then_tells_what_is_still_so(spiked, mail):
    rule = rule_of(spiked)
    spiked.rules.snooze("max", rule.rule, FRIDAY + days(2))
    assert (spiked.run().opened, spiked.run().sent) == (1, 0)
    spiked.data_to(FRIDAY, spikes=SPIKE | {("dallas", FRIDAY)})
    assert spiked.run().sent == 0
    spiked.clock.pass_by(days=1)
    assert spiked.run().sent == 1
    assert "Thursday 26 Mar 2026" in mail.texts()[0]
    assert spiked.run().sent == 0


def test_what_opened_and_recovered_within_a_snooze_is_told_by_nobody(spiked, mail):
    spiked.rules.snooze("max", rule_of(spiked).rule, FRIDAY + days(2))
    spiked.run()
    spiked.data_to(FRIDAY, spikes=SPIKE)
    assert spiked.run().recovered == 1
    spiked.clock.pass_by(days=3)
    assert spiked.run().sent == 0
    assert mail.arrived == []


def test_a_recovery_within_a_snooze_is_told_after_it(spiked, mail):
    spiked.run()
    spiked.rules.snooze("max", rule_of(spiked).rule, FRIDAY + days(2))
    spiked.data_to(FRIDAY, spikes=SPIKE)
    assert spiked.run().sent == 0
    spiked.rules.snooze("max", rule_of(spiked).rule, None)
    spiked.rules.snooze("max", rule_of(spiked).rule, FRIDAY)
    assert spiked.run().sent == 1
    assert "Recovered" in mail.subjects()[1]


def test_a_rule_that_is_off_or_changed_begins_anew(spiked, mail):
    mail.answer = "451 Try again later"
    spiked.run()
    mail.answer = "250 OK"
    rule = rule_of(spiked)
    spiked.rules.switch("max", rule.rule, on=False)
    assert (rule_of(spiked).open_since, spiked.run().sent) == (None, 0)
    spiked.rules.switch("max", rule.rule, on=True)
    assert spiked.run().sent == 1
    quiet = Condition("dallas", "threshold", "no_show_rate", "above", 80.0)
    spiked.rules.change(spiked.reader("max"), rule.rule, quiet)
    assert rule_of(spiked).condition == quiet
    assert spiked.rules.found("max", rule.rule, 9) == []
    assert spiked.run().sent == 0
    spiked.add("max", NO_SHOWS)
    with pytest.raises(StateError, match="such a rule already"):
        spiked.rules.change(spiked.reader("max"), rule.rule, NO_SHOWS)
    spiked.rules.remove("max", rule.rule)
    assert rule_of(spiked).condition == NO_SHOWS
    changes = [one.details["change"] for one in spiked.store.audit.search(Search(text=f"rule {rule.rule}"), 9)]
    assert changes == ["deleted", "changed", "switched on", "switched off", "added"]


def test_who_has_no_address_yet_is_not_told_of_the_past(clinic, mail):
    clinic.data_to(THURSDAY, spikes=SPIKE)
    clinic.add("max", NO_SHOWS)
    assert clinic.run().opened == 1
    clinic.mail_to("max")
    assert clinic.run().sent == 0
    clinic.data_to(FRIDAY, spikes=SPIKE)
    assert clinic.run().sent == 1


def test_there_are_so_many_rules_and_no_more(clinic):
    clinic.data_to(THURSDAY)
    wanted = [Condition("dallas", "threshold", "bookings", "above", n) for n in range(rules.MOST_RULES)]
    clinic.add("max", *wanted)
    clinic.add("max", *wanted[:5])  # there already
    with pytest.raises(StateError, match="delete one first"):
        clinic.add("max", NO_SHOWS)
    assert len(clinic.rules.of("max")) == rules.MOST_RULES
