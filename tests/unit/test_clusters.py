"""Design effects of the extract's side effects and no-shows, against facts that are gone through patient by patient."""

from __future__ import annotations

import pytest

from dashboard import clusters

DAYS = 92


def design(rows, alike):
    """Over strata: squared residuals of patients over what independent visits would have."""
    residuals = independent = 0.0
    for _, stratum in rows.groupby(alike, observed=True):
        hits, trials = (stratum[name].to_numpy(dtype=float) for name in ("hits", "trials"))
        rate, patients = hits.sum() / trials.sum(), len(stratum)
        if patients > 1:
            residuals += patients / (patients - 1) * ((hits - rate * trials) ** 2).sum()
            independent += trials.sum() * rate * (1 - rate)
    return max(1.0, residuals / independent)


@pytest.fixture(scope="module")
def visits(director, facts):
    return facts(
        """
        select site, line, status, patient, date_diff('day', starts_on, $until) as ago, has_effect, has_severe,
            booking_id in (select booking_id from side_effects where effect = 'nausea') as nausea
        from bookings where starts_on <= $until and status in ('arrived', 'completed', 'no_show')
        """,
        until=director.catalogue.last_full_day,
    ).assign(span=lambda frame: frame["ago"] // DAYS)


@pytest.mark.parametrize(("what", "column"), [("", "has_effect"), ("severe", "has_severe"), ("nausea", "nausea")])
@pytest.mark.parametrize("line", ["ketamine", "vitamin"])
def test_side_effects_of_a_patient(director, visits, what, column, line):
    done = visits[(visits["status"] == "completed") & (visits["line"] == line)]
    rows = done.groupby(["site", "patient", "span"], observed=True).agg(hits=(column, "sum"), trials=(column, "size"))
    found = clusters.designs(director, DAYS)[line, what]
    if rows["hits"].sum() < clusters.LEAST_HITS:
        assert found == 1
    else:
        assert found == pytest.approx(design(rows.reset_index(), "site"))


def test_no_shows_of_a_patient_on_one_weekday(director, visits):
    missed = visits.assign(missed=visits["status"] == "no_show", weekday=visits["ago"] % 7)
    rows = missed.groupby(["site", "patient", "weekday", "span"], observed=True)
    rows = rows.agg(hits=("missed", "sum"), trials=("missed", "size")).reset_index()
    assert clusters.of_no_shows(director, DAYS) == pytest.approx(design(rows, "site"))


def test_of_many_infusions_a_sample_of_patients_is_asked(director, monkeypatch):
    def asked():
        rows = clusters._clusters(director, DAYS).query("what == ''")
        return rows["trials"].sum(), clusters._design(rows[rows["line"] == "ketamine"])

    every, of_every = asked()
    monkeypatch.setattr(clusters, "SAMPLE", every // 5)
    some, of_some = asked()
    assert 0.1 < some / every < 0.3
    assert of_some == pytest.approx(of_every, abs=0.3)


def test_a_period_of_another_length_has_the_design_effects_of_the_next_longer_one(director):
    assert clusters.designs(director, 28) == clusters.designs(director, 31)
    assert clusters.designs(director, 32) == clusters.designs(director, 92) != clusters.designs(director, 31)
    assert [clusters._length(days) for days in (1, 184, 185, 366, 367, 800)] == [31, 184, 366, 366, 732, 1098]
