"""Two groups at a time: Newcombe's interval, like for like, and what would have been seen."""

from __future__ import annotations

import numpy as np
import pytest
from choices import asked
from numpy.testing import assert_allclose
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

from dashboard import panels, rates
from dashboard.theme import VERDICTS


@pytest.fixture
def year(director):
    return asked(director, period="12-months", effect="nausea", line="ketamine")


def test_two_groups_are_newcombes_and_say_what_would_have_been_seen(director, year):
    rows = panels.rows(director, "group_differences", year)
    assert rows["comparison"].tolist()[:2] == ["Chicago − other sites", "Dallas − other sites"]
    first = rows.iloc[0]
    whole = rates.newcombe_difference(
        first["numerator"], first["denominator"], first["other_numerator"], first["other_denominator"]
    )
    assert_allclose(first[["difference", "lower", "upper"]].astype(float), 100 * np.array(whole))
    apart = (rows["alike_lower"] > 0) | (rows["alike_upper"] < 0)
    assert rows.loc[~apart, "reading"].str.startswith("not distinguishable").all()
    assert rows.loc[~apart, "reading"].str.contains("would most likely have been seen").any()


def test_two_groups_are_compared_like_for_like_too(director, facts):
    year = asked(director, period="12-months")
    rows = panels.rows(director, "group_differences", year).set_index("comparison")
    days = {"start": year.start, "end": year.end}
    told = facts(
        """
        select site, line, band, count(*) as completed, count(*) filter (where has_effect) as infusions
        from bookings where status = 'completed' and starts_on between $start and $end
        group by all
        """,
        **days,
    )  # fmt: skip
    group = told["band"].map(director.catalogue.groups)
    pairs = {
        "Chicago − other sites": (told["site"] == "chicago", told["site"] != "chicago", ["line", "band"]),
        "Ketamine − vitamin and hydration": (
            told["line"] == "ketamine",
            told["line"] != "ketamine",
            ["site", "band"],
        ),
        "Geriatric − adult": (group == "Geriatric", group == "Adult", ["site", "line"]),
    }
    for name, (first, second, alike) in pairs.items():
        parts = [
            told[part].groupby(alike, observed=True)[["infusions", "completed"]].sum() for part in (first, second)
        ]
        both = parts[0].join(parts[1].add_suffix("_other"), how="inner")
        n, m = both["completed"], both["completed_other"]
        weights = n * m / (n + m)
        expected = (weights * (both["infusions"] / n - both["infusions_other"] / m)).sum() / weights.sum()
        assert rows.loc[name, "alike"] == pytest.approx(100 * expected), name
    # In the demo ages differ by how many of them have ketamine, and by nothing else.
    mixed = rows[(rows["lower"] > 0) & (rows["alike_lower"] < 0)]
    assert "Adolescent − adult" in mixed.index
    assert mixed["reading"].str.contains(r"^not distinguishable, apart by .*, like for like ").all()
    assert (mixed["verdict"] == VERDICTS["common"].word).all()


@pytest.mark.parametrize(("n", "rate", "m"), [(440, 0.05, 1_300), (50, 0.3, 60), (4_000, 0.001, 9_000)])
def test_smallest_rise_is_the_one_of_statsmodels(n, rate, m):
    rise = float(rates.smallest_detectable(n, rate, m))
    effect = proportion_effectsize(rate + rise, rate)
    assert_allclose(NormalIndPower().power(effect, n, 0.05, ratio=m / n), 0.8, atol=1e-4)


def test_smallest_rise_where_nothing_could_be_seen():
    assert np.isnan(rates.smallest_detectable(0, 0.1, 100))
    assert np.isnan(rates.smallest_detectable(2, 0.9, 2))
    with pytest.raises(ValueError, match="rate_b must not be above 1"):
        rates.smallest_detectable(10, 1.1, 10)
