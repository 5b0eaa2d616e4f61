"""Answers made from finer ones are those that the question itself gives, for whoever may see all and who may not."""

import itertools

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from dashboard.additive import added_up
from dashboard.exports import scope_of
from dashboard.filters import parse
from dashboard.query_faults import WarehouseError

FINE = ("site", "line", "band")
VIEWERS = ("director", "manager.two", "manager.dallas")


def subsets(names):
    return [by for size in range(len(names) + 1) for by in itertools.combinations(names, size)]


def asked(reader, **chosen):
    return parse({"period": ["12-months"]} | chosen, scope_of(reader)).values()


def in_order(frame, by):
    return frame.sort_values(list(by)).reset_index(drop=True) if by else frame


@pytest.mark.parametrize("name", VIEWERS)
@pytest.mark.parametrize(
    ("question", "fine"), [("counts", FINE), ("effect_counts", (*FINE, "effect")), ("counts", ("period", "site"))]
)
def test_what_is_added_up_is_what_the_question_itself_gives(reader_of, name, question, fine):
    reader = reader_of(name)
    values = asked(reader) | {"grain": "month"}
    for by in subsets(fine):
        direct = reader.query(question, by=by, **values)
        made = reader.added_up(question, fine, by=by, **values)
        assert len(made) > 0
        assert_frame_equal(in_order(made, by), in_order(direct[list(made.columns)], by), check_dtype=False)


@pytest.mark.parametrize("by", subsets(("site", "line", "band"))[:4])
def test_distinct_patients_at_a_level_are_counted_over_all_rows(reader_of, by):
    reader = reader_of("director")
    values = asked(reader)
    made = in_order(reader.at_level("effect_patients", by, **values), (*by, "effect"))
    keys = ", ".join((*by, "effect"))
    true = reader.warehouse._run(
        f"select {keys}, count(distinct patient) as patients from side_effects "
        "where status = 'completed' and starts_on between $start and $end group by all",
        {"start": values["start"], "end": values["end"]},
    )
    assert_frame_equal(made[[*by, "effect", "patients"]], in_order(true, (*by, "effect")), check_dtype=False)


@pytest.mark.parametrize("by", [(), ("site",), ("line",), ("band",)])
def test_where_counts_are_hidden_every_combination_has_a_row_at_its_level(reader_of, by):
    """A row that is missing would tell a count of 0."""
    reader = reader_of("manager.two")
    values = asked(reader, period=["7-days"])
    made = reader.at_level("effect_patients", by, **values)
    catalogue = reader.catalogue
    every = {"site": reader.sites, "line": catalogue.lines, "band": catalogue.bands}
    wanted = set(itertools.product(*(every[name] for name in by), catalogue.effects))
    assert {tuple(row) for row in made[[*by, "effect"]].itertuples(index=False)} == wanted
    assert made["patients"].isna().any()


def test_an_answer_at_several_levels_is_given_at_one_of_them_only(reader_of):
    """As it is, its rows that are missing would tell counts of 0."""
    reader = reader_of("manager.two")
    for question in ("patients", "effect_patients"):
        with pytest.raises(WarehouseError, match="several levels"):
            reader.query(question, **asked(reader))


def test_true_counts_that_are_kept_are_shown_to_nobody_who_may_not_see_them(reader_of):
    """The director asks first; the manager's answer is made from the same kept rows and hides what is small."""
    director, manager = reader_of("director"), reader_of("manager.dallas")
    values = asked(manager, period=["7-days"]) | {"grain": "day"}
    true = director.added_up("counts", FINE, by=("band",), **values)
    shown = manager.added_up("counts", FINE, by=("band",), **values)
    assert true["with_effect"].notna().all()
    assert shown["with_effect"].isna().any()
    assert shown["bookings"].tolist() == true["bookings"].tolist()


def test_rows_add_up_by_dimensions_that_may_be_null():
    rows = {
        "site": np.array(["a", None, "a", None], dtype=object),
        "line": np.array([None] * 4, dtype=object),
        "n": np.array([1, 2, 3, 4]),
        "m": np.ma.MaskedArray([1, 2, 3, 4], mask=[False, True, False, False]),
    }
    by_site = added_up(rows, ("site",), ("site", "line"))
    assert by_site["site"].fillna("none").tolist() == ["a", "none"]
    assert by_site[["n", "m"]].to_numpy().tolist() == [[4, 4], [6, 4]]
    by_line = added_up(rows, ("line",), ("site", "line"))
    assert by_line["line"].dtype == "str"
    assert by_line[["n", "m"]].to_numpy().tolist() == [[10, 8]]
    assert added_up(rows, (), ("site", "line")).to_dict("list") == {"n": [10], "m": [8]}


def test_of_no_rows_the_sums_are_nought_and_there_is_no_group():
    rows = {"site": np.array([], dtype=object), "n": np.array([], dtype=np.int64)}
    assert added_up(rows, (), ("site", "line")).to_dict("list") == {"n": [0]}
    assert isinstance(empty := added_up(rows, ("site",), ("site", "line")), pd.DataFrame)
    assert (len(empty), list(empty.columns)) == (0, ["site", "n"])
