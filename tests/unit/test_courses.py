"""Courses of ketamine: edges on rows written by hand, and every metric once more on facts."""

from __future__ import annotations

import datetime as dt
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from small_extracts import reading
from statsmodels.duration.survfunc import SurvfuncRight

from dashboard import charts, panels, survival
from dashboard.exports import scope_of
from dashboard.filters import parse
from dashboard.measuring import measure
from dashboard.metrics import METRICS
from dashboard.panels.sums import course_counts
from tests.facts import facts_of

FIRST = dt.datetime(2026, 1, 5, 10)
LAST_DAY = "2026-06-30"
COURSES = [name for name, metric in METRICS.items() if metric.source == "courses"]


class Rows:
    """A delivery of which each patient's infusions are given in days from 5 January, 10 o'clock."""

    def __init__(self) -> None:
        self.bookings = ["booking_id,patient_id,site,service,starts_at,status,age"]
        # The last full day of the extract, of a patient without ketamine.
        self.bookings.append(f"LAST,other,chicago,vitamin-c,{LAST_DAY} 10:00,completed,40")

    def patient(self, name: str, days, *, site="dallas", status="completed"):
        for day in days:
            at = FIRST + dt.timedelta(days=day)
            self.bookings.append(f"B{len(self.bookings)},{name},{site},ketamine-infusion,{at},{status},40")


def days_of(now: str) -> float:
    """Days from the first infusion to a date's ten o'clock."""
    return (dt.datetime.fromisoformat(f"{now} 10:00") - FIRST).days


INDUCTION = (0, 3, 6, 9, 12, 15)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    rows = Rows()
    for name in ("a", "b", "c", "d"):
        rows.patient(name, INDUCTION)
    rows.patient("on day 28", (0, 5, 10, 15, 20, 28), site="chicago")
    rows.patient("on day 29", (0, 5, 10, 15, 20, 29), site="chicago")
    due = days_of(LAST_DAY)
    rows.patient("just due", (due - 28,), site="chicago")
    rows.patient("not yet", (due - 27,), site="chicago")
    rows.patient("never came", (20,), site="chicago", status="no_show")
    rows.patient("gap of 60", (0, 60, 120), site="miami_beach")
    rows.patient("gap of 61", (0, 61, 120), site="miami_beach")
    rows.patient("still here", (due - 60,), site="miami_beach")
    rows.patient("gone", (due - 61,), site="miami_beach")
    rows.patient("six", INDUCTION, site="miami_beach")
    with reading(tmp_path_factory.mktemp("courses"), bookings="\n".join(rows.bookings) + "\n") as reader:
        yield reader


@pytest.fixture(scope="module")
def courses(clinic, tmp_path_factory):
    with facts_of(clinic.warehouse.path, tmp_path_factory.mktemp("facts")) as ask:
        return ask("select * from courses").df()


def counted(reader, *by, **address):
    chosen = parse({"period": ["custom"], "from": ["2026-01-01"], "to": [LAST_DAY], **address}, scope_of(reader))
    return course_counts(reader, chosen, *by)


def test_induction_counts_the_sixth_on_day_28_and_who_is_due(clinic):
    row = counted(clinic, "site").set_index("site").loc["chicago"]
    assert row["courses"] == 4  # who never came has none
    assert (row["inductions_completed"], row["inductions_due"], row["inductions_under_way"]) == (1, 3, 1)


def test_who_stopped_and_when(clinic, courses):
    miami = courses[(courses["site"] == "miami_beach") & (courses["infusions"] != 6)]
    days = (miami["stopped_on"] - miami["first_on"]).dt.days
    assert sorted(zip(days, miami["resumed"], strict=True)) == [(0, False), (0, False), (0, True), (120, False)]
    values = parse({"period": ["custom"], "from": ["2026-01-01"], "to": [LAST_DAY]}, scope_of(clinic)).values()
    del values["lines"]
    found = clinic.query("retention", by=("site",), until=clinic.catalogue.last_full_day, **values)
    own = found[found["site"] == "miami_beach"].set_index(["days", "stopped"])["patients"].to_dict()
    # `still here` came 60 days ago, `gone` 61, `gap of 61` resumed; `gap of 60` is followed to 60 days before the end.
    last = days_of(LAST_DAY)
    assert last - 120 < 60
    assert own == {(0, False): 1, (0, True): 2, (last - 60, False): 1, (15, True): 1}


def test_retention_of_an_extract_that_ends_is_that_of_all_that_came(tmp_path):
    """Six hundred patients who begin one after the other and stop after some weeks, most of them after its end."""
    draw, rows, last = np.random.default_rng(60), Rows(), int(days_of(LAST_DAY))
    stays = 7 * (draw.geometric(0.06, 600) - 1)
    for number, stay in enumerate(stays):
        begun = number * last // len(stays)
        rows.patient(f"P{number}", [begun + day for day in range(0, stay + 1, 7) if begun + day <= last])
    with reading(tmp_path, bookings="\n".join(rows.bookings) + "\n") as reader:
        chosen = parse({"period": ["custom"], "from": ["2026-01-01"], "to": [LAST_DAY]}, scope_of(reader))
        found = panels.rows(reader, "retention_by_site", chosen).set_index("day")
    # Nobody who began in the last 60 days can be told to have stopped.
    assert found["patients"].iloc[0] == sum(number * last // 600 <= last - 60 for number in range(600))
    for day in (28, 56, 84):
        assert found.loc[day, "value"] == pytest.approx(100 * (stays > day).mean(), abs=4)
        assert found.loc[day, "lower"] < 100 * (stays > day).mean() < found.loc[day, "upper"]


def test_gaps_are_of_the_infusion_before(clinic):
    rows = panels.rows(
        clinic,
        "course_gaps",
        parse({"period": ["custom"], "from": ["2026-01-01"], "to": [LAST_DAY]}, scope_of(clinic)),
    )
    by = rows.set_index(["site", "phase"])
    assert by.loc[("Dallas", "In induction"), ["lower", "value", "upper", "numerator"]].tolist() == [3, 3, 3, 20]
    assert by.loc[("Miami Beach", "Later"), ["value", "numerator"]].tolist() == [60, 4]  # 60, 60, 61, 59
    assert by.loc[("Chicago", "Later"), ["value", "numerator"]].tolist() == [9, 1]


def test_few_patients_are_too_few_to_judge_and_never_a_zero(clinic):
    chosen = parse({"period": ["custom"], "from": ["2026-01-01"], "to": [LAST_DAY]}, scope_of(clinic))
    rows = panels.rows(clinic, "induction_by_age", chosen)
    assert (rows["denominator"] < 10).all()
    assert rows["denominator"].sum() > 0
    assert rows["value"].isna().all()
    assert set(rows["reading"]) == {charts.TOO_FEW}
    assert not len(panels.rows(clinic, "retention_by_site", chosen))


# --- the demo's courses, once more from facts ------------------------------------------------


@pytest.fixture(scope="module")
def infusions(facts):
    return facts(
        "select patient, site, starts_at, starts_on from bookings "
        "where line = 'ketamine' and status = 'completed' order by starts_at"
    )


def outcome(infusions, patient, until):
    """One patient's course told anew, in plain Python."""
    own = infusions[infusions["patient"] == patient]
    first = own.iloc[0]
    day = (own["starts_on"] - first["starts_on"]).dt.days
    told = {"courses": 1, "site": first["site"], "first_on": first["starts_on"]}
    told["inductions_due"] = first["starts_on"] + pd.Timedelta(days=28) <= until
    told["inductions_completed"] = told["inductions_due"] and (day <= 28).sum() >= 6
    told["inductions_under_way"] = not told["inductions_due"]
    return told


def test_every_metric_of_courses_told_anew(everything, infusions):
    chosen = parse({"period": ["12-months"]}, scope_of(everything))
    until = pd.Timestamp(everything.catalogue.last_full_day)
    told = pd.DataFrame([outcome(infusions, patient, until) for patient in infusions["patient"].unique()])
    told = told[told["first_on"].between(pd.Timestamp(chosen.start), pd.Timestamp(chosen.end))]
    expected = told.drop(columns="first_on").groupby("site", observed=True).sum()
    found = course_counts(everything, chosen, "site").set_index("site")
    for name in COURSES:
        ours = measure(found, METRICS[name])
        for column in METRICS[name].columns:
            assert found[column].to_dict() == expected[column].astype(int).to_dict(), column
        assert (ours["value"] > 0).any()


def test_kaplan_meier_is_statsmodels_own():
    rng = np.random.default_rng(2)
    times, stopped = rng.integers(0, 60, 200), rng.random(200) < 0.7
    at = np.arange(0, 60)
    curve = survival.kaplan_meier(times, stopped, np.ones(200), at)
    theirs = SurvfuncRight(times, stopped.astype(int))
    steps = pd.Series(theirs.surv_prob, index=theirs.surv_times).reindex(at).ffill().fillna(1.0)
    np.testing.assert_allclose(curve.value, steps)
    assert curve.at_risk.tolist() == [(times >= t).sum() for t in at]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the limits are not defined, which ours aren't either
        scipys = stats.ecdf(stats.CensoredData(times[stopped], right=times[~stopped])).sf.confidence_interval(
            method="log-log"
        )
    known = curve.value < 1
    np.testing.assert_allclose(curve.lower[known], scipys.low.evaluate(at)[known])
    np.testing.assert_allclose(curve.upper[known], scipys.high.evaluate(at)[known])
    inside = (curve.value < 1) & (curve.value > 0)
    assert (curve.lower[inside] < curve.value[inside]).all()
    assert (curve.value[inside] < curve.upper[inside]).all()


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
@pytest.mark.parametrize("groups", [1, 3, 400])
def test_kaplan_meier_of_counts_is_that_of_each_patient(groups, share):
    rng = np.random.default_rng(groups)
    times, many = rng.integers(0, 90, groups), rng.integers(0, 5, groups) + (np.arange(groups) == 0)
    stopped, at = rng.random(groups) < share, np.arange(0, 100.0)
    found = survival.kaplan_meier(times, stopped, many, at)
    each, ended = np.repeat(times, many), np.repeat(stopped, many)
    curve = stats.ecdf(stats.CensoredData(uncensored=each[ended], right=each[~ended])).sf
    beyond = at > each.max()
    np.testing.assert_allclose(found.value[~beyond], curve.evaluate(at)[~beyond], atol=1e-12)
    assert np.isnan(found.value[beyond]).all()
    assert found.at_risk.tolist() == [(each >= t).sum() for t in at]


def test_kaplan_meier_of_ten_million_patients_takes_what_its_rows_take():
    days = np.arange(0, 1_000.0)
    tracemalloc.start()
    curve = survival.kaplan_meier(np.tile(days, 2), np.repeat([True, False], 1_000), np.full(2_000, 5_000.0), days)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert curve.at_risk[0] == 10_000_000
    assert curve.value[0] == 1 - 5_000 / 10_000_000
    assert most < 10_000_000


#: Weeks of remission under maintenance chemotherapy and whether it ended (Miller 1997, Survival analysis, p. 49;
#: data `aml` of R's package survival 3.5-3), and what its survfit(conf.type = "log-log") gives at some weeks.
REMISSION = {9: 1, 13: 1, 13.0001: 0, 18: 1, 23: 1, 28: 0, 31: 1, 34: 1, 45: 0, 48: 1, 161: 0}
SURVFIT = {
    0: (1, 1, 1, 11), 9: (0.90909091, 0.508080206, 0.98667382, 11), 18: (0.71590909, 0.350190386, 0.89902397, 8),
    30: (0.61363636, 0.265752040, 0.83529924, 5), 48: (0.18409091, 0.011738480, 0.52501484, 2),
    100: (0.18409091, 0.011738480, 0.52501484, 1),
}  # fmt: skip


def test_kaplan_meier_is_that_of_r_survival():
    found = survival.kaplan_meier(list(REMISSION), list(REMISSION.values()), [1] * 11, list(SURVFIT))
    np.testing.assert_allclose(np.array(found).T, list(SURVFIT.values()), atol=1e-8)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"stopped": [True, np.nan]}, "stopped must not be missing"),
        ({"stopped": ["no", "yes"]}, "stopped must hold numbers only"),
        ({"stopped": [2, 0]}, "stopped must hold only true and false"),
        ({"stopped": [True]}, "stopped has shape"),
        ({"patients": [1.5, 1]}, "patients must hold whole numbers only"),
        ({"times": 3.0, "stopped": True, "patients": 1}, "times must be one series"),
        ({"confidence": 95}, "confidence must be one number between 0 and 1"),
        ({"confidence": -0.5}, "confidence must be one number between 0 and 1"),
    ],
)
def test_kaplan_meier_refuses_what_cannot_be(changed, message):
    arguments = {"times": [2, 3], "stopped": [True, False], "patients": [1, 1], "at": [0, 2]}
    with pytest.raises(ValueError, match=message):
        survival.kaplan_meier(**arguments | changed)


def test_kaplan_meier_by_hand_with_counts_and_at_its_ends():
    """Four patients: one stops on day 2, two were last seen on day 3, one stops on day 5."""
    curve = survival.kaplan_meier([2, 3, 5], [True, False, True], [1, 2, 1], [0, 2, 3, 5, 6])
    assert curve.value[:4].tolist() == [1, 0.75, 0.75, 0]
    assert np.isnan(curve.value[4])
    assert curve.at_risk.tolist() == [4, 4, 3, 1, 0]
    nobody = survival.kaplan_meier([2, 3], [False, False], [5, 5], [0, 3, 4])
    assert nobody.value[:2].tolist() == [1, 1]
    assert np.isnan(nobody.value[2])
    assert np.isnan(survival.kaplan_meier([], [], [], [0]).value).all()
