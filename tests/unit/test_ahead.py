"""What people may choose next is worked out while nobody waits, and gives way to who does."""

import dataclasses
import datetime as dt
import shutil
import threading
import time
from contextlib import closing, contextmanager

import duckdb
import pytest

from dashboard import access, exports, filters
from dashboard.ahead import PATIENCE, WAITING, Ahead, Wish, work_out
from dashboard.answers import Answers
from dashboard.intake import facts
from dashboard.query_faults import QueryTimeoutError
from dashboard.serving import instruments
from dashboard.settings import Settings
from dashboard.warehouse import Reader, Warehouse
from tests.demo_extract import ENDLESS
from tests.waiting import until

PANELS = ("bookings_summary", "no_show_trend")


def made(source="made"):
    return instruments.QUERIES.labels(source)._value.get()


@pytest.fixture
def reader(everything, tmp_path):
    """Eyes on a file of which nothing has been asked yet."""
    with copied(everything, tmp_path) as own:
        yield own


def idle(worker):
    """Whether there is nothing left to work out."""
    with worker._told:
        return worker._now is None and not worker._wishes and not worker._later


@contextmanager
def copied(everything, tmp_path, *statements):
    """An extract of one's own of which nothing has been asked yet, changed by these statements."""
    path = tmp_path / everything.warehouse.path.name
    shutil.copy(everything.warehouse.path, path)
    path.chmod(0o600)
    with closing(duckdb.connect(str(path))) as connection:
        for statement in statements:
            connection.execute(statement)
    with closing(Warehouse(path, Settings(data=tmp_path))) as house:
        yield Reader(house, everything.viewer)


@contextmanager
def at_work(worker, house):
    """The thread that grants wishes, as a server has one."""
    over = threading.Event()
    thread = threading.Thread(target=worker.work, args=(house, 60, over))
    thread.start()
    until(lambda: worker._granting)
    try:
        yield thread
    finally:
        over.set()
        until(lambda: house.interrupt() or not thread.is_alive())


def wishes(reader, **address):
    chosen = filters.parse(address, exports.scope_of(reader))
    return [Wish(reader, name, chosen, "light") for name in PANELS]


def everything_made_of(wish):
    """How many answers had to be made for what may be chosen next."""
    before = made()
    for chosen in (*wish.dates, *wish.sites):
        work_out(wish.reader, wish.panel, chosen, wish.mode)
    return made() - before


def everything_made(reader, **address):
    """How many answers had to be made for the panels with these filters."""
    before = made()
    for wish in wishes(reader, **address):
        work_out(reader, wish.panel, wish.chosen, "light")
    return made() - before


def granted(reader, asked):
    worker = Ahead()
    with at_work(worker, reader.warehouse):
        for wish in asked:
            worker.wish(wish)
        until(lambda: idle(worker))


def test_who_comes_while_the_server_still_warms_up_has_their_wishes_granted(reader):
    """The thread begins with other things: before it comes to wishes, pages are already open."""
    worker = Ahead()
    worker.begin()
    for wish in wishes(reader, site=["dallas"]):
        worker.wish(wish)
    with at_work(worker, reader.warehouse):
        until(lambda: idle(worker))
    assert everything_made(reader, period=["7-days"], site=["dallas"]) == 0


def test_wishes_that_nobody_will_grant_are_not_kept(reader):
    worker = Ahead()
    for wish in wishes(reader, site=["dallas"]):
        worker.wish(wish)
    assert idle(worker)


def test_the_other_periods_of_what_somebody_looks_at_are_there_when_they_are_chosen(reader):
    granted(reader, wishes(reader, site=["dallas"], compare=["last-year"]))
    named = [period for period in filters.PERIODS if period not in ("custom", filters.DEFAULT_PERIOD)]
    assert named
    for period in named:
        assert everything_made(reader, period=[period], site=["dallas"], compare=["last-year"]) == 0
    # The period that they look at is for themselves to ask, and so are other filters.
    assert everything_made(reader, site=["dallas"], compare=["last-year"]) > 0
    assert everything_made(reader, period=["7-days"], site=["chicago"], compare=["last-year"]) > 0
    assert everything_made(reader, period=["7-days"], site=["dallas"]) > 0


def test_each_of_few_sites_is_there_when_it_is_chosen(reader):
    granted(reader, wishes(reader, period=["90-days"]))
    assert len(reader.sites) == 3
    for site in reader.sites:
        assert everything_made(reader, period=["90-days"], site=[filters.slug(site)]) == 0
    assert everything_made(reader, period=["90-days"], site=["dallas", "chicago"]) > 0


def test_of_a_day_the_day_before_is_there_when_it_is_chosen(reader):
    chosen = filters.parse({}, exports.scope_of(reader))
    granted(reader, [Wish(reader, "day_chart", chosen, "light", "day")])
    before = made()
    earlier = filters.parse({"day": [str(chosen.day - dt.timedelta(days=1))]}, chosen.scope)
    work_out(reader, "day_chart", earlier, "light")
    assert made() == before
    work_out(
        reader,
        "day_chart",
        filters.parse({"day": [str(earlier.day - dt.timedelta(days=1))]}, chosen.scope),
        "light",
    )
    assert made() > before


def test_what_people_may_choose_depends_on_their_page_and_their_sites(reader):
    def chosen(reader, dated, **address):
        [wish, _] = wishes(reader, **address)
        wish = dataclasses.replace(wish, dated=dated)
        return [one.query() for one in [*wish.dates, *wish.sites]]

    sites = [{"period": ["28-days"], "site": [filters.slug(site)]} for site in reader.sites]
    assert chosen(reader, "") == sites
    assert chosen(reader, "", site=["dallas"]) == []
    assert [one["period"] for one in chosen(reader, "period", site=["dallas"])] == [
        ["7-days"], ["90-days"], ["12-months"], ["this-month"], ["last-month"], ["this-year"]
    ]  # fmt: skip
    manager = Reader(reader.warehouse, access.Viewer("m", "M", access.Role.MANAGER, frozenset({"dallas"})))
    assert chosen(manager, "") == []


def test_a_wish_is_the_same_for_who_sees_the_same(reader):
    worker = Ahead()
    worker.work(reader.warehouse, 0, threading.Event())
    [wish, _] = wishes(reader)
    manager = Reader(reader.warehouse, access.Viewer("m", "M", access.Role.MANAGER, frozenset({"dallas"})))
    others = (
        wishes(reader, line=["ketamine"])[0],
        wishes(manager)[0],
        dataclasses.replace(wish, mode="dark"),
    )
    for one in (wish, *others, wish):
        worker.wish(one)
    assert list(worker._wishes.values()) == [*others, wish]


def test_what_was_dropped_since_is_worked_out_again(reader):
    granted(reader, wishes(reader))
    reader.warehouse.answers.forget()
    granted(reader, wishes(reader))
    assert everything_made(reader, period=["90-days"]) == 0


def test_nothing_is_begun_while_a_page_is_made(reader):
    worker = Ahead()
    before = made("ahead")
    with at_work(worker, reader.warehouse):
        with worker.people_first():
            worker.wish(wishes(reader)[0])
            time.sleep(0.5)
            assert made("ahead") == before
        until(lambda: idle(worker))
    assert made("ahead") > before


def test_what_is_being_asked_stops_when_a_page_is_made_and_is_tried_again(everything, tmp_path):
    with copied(everything, tmp_path, *ENDLESS) as reader:
        house, worker = reader.warehouse, Ahead()
        with at_work(worker, house) as thread:
            worker.wish(wishes(reader)[0])
            for _ in range(PATIENCE):
                until(lambda: house._running)
                with worker.people_first():
                    until(lambda: not house._running, 5)
                    time.sleep(0.1)
                    assert not house._running
            # Then it is left: it is neither done nor asked for again.
            time.sleep(1)
            assert not house._running
            assert idle(worker)
            assert thread.is_alive()


def test_its_time_is_over_in_time_though_people_are_always_there_and_nothing_is_lost(reader):
    worker = Ahead()
    [wish, _] = wishes(reader)
    worker.work(reader.warehouse, 0, threading.Event())
    worker.wish(wish)
    before, begun = made("ahead"), time.monotonic()
    thread = threading.Thread(target=worker.work, args=(reader.warehouse, 1, threading.Event()))
    thread.start()
    until(lambda: made("ahead") > before)
    with worker.people_first():
        thread.join(10)
        assert not thread.is_alive()
        assert time.monotonic() - begun < 5
    with at_work(worker, reader.warehouse):
        until(lambda: idle(worker))
    assert everything_made_of(wish) == 0


def test_only_what_is_asked_ahead_gives_way(reader):
    house = reader.warehouse
    with house.ahead():
        house.give_way()
        with pytest.raises(QueryTimeoutError):
            reader.query("extract_info")
        found = []
        other = threading.Thread(target=lambda: found.append(reader.query("extract_info")))
        other.start()
        other.join()
        assert len(found[0]) == 1
    assert len(reader.query("extract_info")) == 1


def test_wishes_of_an_extract_that_is_no_longer_in_use_are_dropped(reader, everything):
    worker = Ahead()
    before = made("ahead")
    with at_work(worker, reader.warehouse):
        worker.wish(wishes(everything)[0])
        until(lambda: idle(worker))
    assert made("ahead") == before


def test_what_fails_is_told_to_who_works_and_the_next_wish_is_granted_after_it(everything, tmp_path):
    with copied(everything, tmp_path, "drop table hourly") as reader:
        worker, over = Ahead(), threading.Event()
        worker.work(reader.warehouse, 0, over)
        [_, sound] = wishes(reader)
        worker.wish(sound)
        worker.wish(dataclasses.replace(sound, panel="weekday_hours"))
        with pytest.raises(duckdb.CatalogException):
            worker.work(reader.warehouse, 30, over)
        with at_work(worker, reader.warehouse):
            until(lambda: idle(worker))
        assert everything_made_of(sound) == 0


def test_wishes_without_a_server_and_more_than_can_be_granted_are_not_kept(reader):
    worker = Ahead()
    worker.wish(wishes(reader)[0])
    assert worker._wishes == {}
    worker.work(reader.warehouse, 0, threading.Event())
    asked = [
        wishes(reader, by=[grain], compare=[compare], also=[also])[0]
        for grain in filters.GRAINS
        for compare in filters.COMPARISONS
        for also in filters.COMPARISONS
    ]
    assert len(asked) > WAITING
    for wish in asked:
        worker.wish(wish)
    # Those of whoever came last.
    assert [wish.chosen for wish in worker._wishes.values()] == [wish.chosen for wish in asked[-WAITING:]]


def test_spark_is_not_asked_for_what_maybe_nobody_looks_at(everything, tmp_path):
    for there in (True, False):
        own = tmp_path / str(there)
        own.mkdir()
        folder = facts.begin(own / everything.warehouse.path.name, None).folder
        if not there:
            folder.rmdir()
        with copied(everything, own) as reader:
            worker = Ahead()
            worker.work(reader.warehouse, 0, threading.Event())
            worker.wish(wishes(reader)[0])
            assert len(worker._wishes) == there


def test_answers_that_nobody_asked_for_are_dropped_first():
    answers = Answers(3)
    for key in "abc":
        answers.kept(key, lambda: 1)
    with answers.unasked():
        answers.kept("d", lambda: 2)
        # Looking at what people have asked for doesn't make it younger.
        answers.kept("a", lambda: 3)
    answers.kept("e", lambda: 4)
    kept = {key: answers.kept(key, lambda: 0) for key in "bce"}
    assert kept == {"b": 1, "c": 1, "e": 4}
    # What somebody asks for in the end is theirs.
    answers = Answers(2)
    with answers.unasked():
        answers.kept("a", lambda: 1)
        answers.kept("b", lambda: 1)
    answers.kept("a", lambda: 0)
    answers.kept("c", lambda: 1)
    assert answers.kept("a", lambda: 0) == 1
    assert answers.kept("b", lambda: 0) == 0
