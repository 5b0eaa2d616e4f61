"""Month-end on the page Revenue: a month is told by its name, closed and opened again."""

from __future__ import annotations

import pytest
from elements import html

from dashboard.closing import month_text, months_of
from dashboard.shelf import shelf


@pytest.fixture
def opened(visit):
    at = visit("finance", "revenue", site="miami-beach")
    at.session_state["month_end"] = True
    return at.run()


def test_a_month_and_its_sites_are_told_by_their_names(opened):
    catalogue = shelf().current().catalogue
    month = months_of(catalogue.first_day, catalogue.last_full_day)[1]
    told = month_text(month)
    assert f"</a> {told}, Miami Beach" in html(opened)
    [close] = [button for button in opened.button if button.label == f"Close {told}"]
    closed = close.click().run()
    try:
        assert [success.value for success in closed.success] == [f"Every figure of {told} is as it was closed."]
        [row] = next(one.value for one in closed.dataframe if "closed_by" in one.value).to_dict("records")
        assert (row["month"], row["site"]) == (told, "Miami Beach")
    finally:
        [reason] = [text for text in closed.text_input if text.label == f"Why {told} is opened again"]
        reason.set_value("A test")
        [again] = [button for button in closed.button if button.label == f"Open {told} again"]
        again.click().run()
