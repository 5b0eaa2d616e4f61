"""Notes on control charts as the medical director makes them, and who else sees them."""

from __future__ import annotations

from elements import sent

WHY = "Another antiemetic since then"


def press(at, label):
    next(button for button in at.button if button.label == label).click()
    return at.run()


def noted(at):
    return WHY in sent(at)


def test_a_chart_is_rebased_and_the_mark_withdrawn(visit):
    address = {"effect": "nausea", "line": "ketamine", "period": "12-months"}
    at = visit("director", "signals", **address)
    at.selectbox(key="mark_site").set_value("dallas")
    [kind] = [s for s in at.selectbox if s.label == "What"]
    kind.set_value("rebase")
    press(at, "Put it on the chart")
    assert "5 to 300 characters" in at.error[0].value
    [text] = [t for t in at.text_input if t.label.startswith("What happened")]
    text.set_value(WHY)
    at = press(at, "Put it on the chart")
    assert not at.exception
    assert not at.error
    assert noted(at)
    admin = visit("admin", "signals", **address)
    assert noted(admin)
    assert "Put it on the chart" not in [b.label for b in admin.button]
    assert not noted(visit("director", "signals", **address | {"effect": "dizziness"}))
    at = visit("director", "signals", **address)
    [text] = [t for t in at.text_input if t.label.startswith("Why it is withdrawn")]
    text.set_value("It was the other site")
    at = press(at, "Withdraw it")
    assert not at.exception
    assert not noted(at)


def test_a_mark_belongs_to_one_chart(visit):
    at = visit("director", "signals", line=["ketamine", "vitamin"])
    assert "Choose one service line, or all of them" in " ".join(c.value for c in at.caption)
