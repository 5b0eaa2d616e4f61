"""The brake on guessing, on a real store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.access import Role
from dashboard.state.brake import network

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
NONE = timedelta(0)


class Clock:
    def __init__(self):
        self.now = datetime(2026, 3, 1, 8, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(place, clock):
    with place.open(clock=clock) as store:
        store.add_user("ada", Role.ADMIN, "correct horse battery")
        yield store


def fail(store, times, username="ada", address="10.0.0.1", device=""):
    return [store.admit_attempt(username, address, device) for _ in range(times)]


@pytest.mark.parametrize("username", ["ada", "nobody"])
def test_the_wait_grows_ends_by_itself_and_is_capped(store, clock, username):
    assert fail(store, 5, username) == [NONE] * 5
    for minutes in (1, 5, 15, 60, 60, 60):
        wait = minutes * MINUTE
        # From another address too, and asking doesn't make it longer.
        assert fail(store, 3, username, address="10.0.0.2") == [wait] * 3
        clock.now += wait - SECOND
        assert fail(store, 1, username.upper(), address="10.0.0.3") == [SECOND]
        clock.now += SECOND
        assert fail(store, 1, username) == [NONE]


def test_an_address_waits_after_twenty_failures(store):
    for number in range(20):
        assert fail(store, 1, f"user{number}") == [NONE]
    assert fail(store, 1) == [MINUTE]
    assert fail(store, 1, address="10.0.0.2") == [NONE]


def test_failures_are_forgotten_after_a_day_without_any(store, clock):
    fail(store, 4)
    clock.now += timedelta(hours=24) - SECOND
    fail(store, 1)
    assert fail(store, 1) == [MINUTE]
    clock.now += timedelta(hours=24) + MINUTE
    assert fail(store, 6) == [NONE] * 5 + [MINUTE]


def test_an_address_is_forgotten_after_an_hour(store, clock):
    fail(store, 19, "user")
    clock.now += timedelta(hours=1)
    assert [fail(store, 1, f"user{number}") for number in range(20)] == [[NONE]] * 20
    assert fail(store, 1) == [MINUTE]


def test_a_sign_in_forgives_the_account_and_not_the_address(store):
    for number in range(19):
        fail(store, 1, f"user{number}")
    for _ in range(30):
        assert fail(store, 1) == [NONE]
        store.retract_attempt("ada", "10.0.0.1")
        store.forgive_attempts("ada")
    assert fail(store, 2, "eve") == [NONE, MINUTE]


def test_a_right_password_alone_forgives_nothing(store):
    """Whoever knows the password doesn't get more guesses at the code."""
    for number in range(4):
        fail(store, 1)
        assert fail(store, 1) == [NONE], number
        store.retract_attempt("ada", "10.0.0.1")
    fail(store, 1)
    assert fail(store, 1) == [MINUTE]


def test_the_owners_own_browser_is_not_kept_out_by_a_stranger(store):
    store.remember_device("ada", "hers")
    fail(store, 5, address="10.6.6.6")
    assert fail(store, 1, address="10.6.6.6") == [MINUTE]
    assert fail(store, 5, device="hers") == [NONE] * 5
    # It has a count of its own, which is no way around the brake.
    assert fail(store, 1, device="hers") == [MINUTE]


def test_a_browser_is_known_for_its_own_account_and_for_ninety_days(store, clock):
    store.add_user("eve", Role.ADMIN, "correct horse battery")
    store.remember_device("eve", "hers")
    fail(store, 5)
    assert fail(store, 1, device="hers") == [MINUTE]
    assert fail(store, 1, device="guess") == [MINUTE]
    fail(store, 5, "eve", address="10.0.0.2")
    assert fail(store, 1, "eve", address="10.0.0.3", device="hers") == [NONE]
    clock.now += timedelta(days=91)
    fail(store, 5, "eve")
    assert fail(store, 1, "eve", address="10.0.0.3", device="hers") == [MINUTE]


def test_the_brake_outlives_the_process(place, store, clock):
    fail(store, 5)
    with place.open(clock=clock) as again:
        assert fail(again, 1, address="10.0.0.9") == [MINUTE]


def test_names_that_were_typed_are_not_kept(store):
    fail(store, 1, "my password by mistake")
    with store.database.read() as connection:
        kept = connection.exec_driver_sql("select * from brakes").all()
    assert len(kept) == 2
    assert "mistake" not in str(kept)


def test_simultaneous_attempts_do_not_pass_together(store):
    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(lambda _: store.admit_attempt("ada", "10.0.0.1"), range(40)))
    assert sum(not wait for wait in waits) == 5


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("", "unknown"),
        ("no address", "unknown"),
    ],
)
def test_what_an_address_counts_as(address, counted_as):
    assert network(address) == counted_as
