"""The brake on guessing, on a real store."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from dashboard.access import Role
from dashboard.state.brake import Admission, Brake, network

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
NONE = timedelta(0)


@pytest.fixture
def store(store):
    store.add_user("ada", Role.ADMIN, "correct horse battery")
    return store


@pytest.fixture
def brake(store):
    return Brake(store)


def fail(brake, times, username="ada", address="10.0.0.1", device=""):
    """Wrong attempts, one after the other: how long each had to wait."""
    return [attempt(brake, username, address, device, right=False) for _ in range(times)]


def attempt(brake, username="ada", address="10.0.0.1", device="", *, right):
    admission = brake.admit(username, address, device)
    assert admission.ticket or admission.wait, "nothing else is under way"
    if admission.ticket:
        brake.settle(admission.ticket, right=right)
    return admission.wait


@pytest.mark.parametrize("username", ["ada", "nobody"])
def test_the_wait_grows_ends_by_itself_and_is_capped(brake, clock, username):
    assert fail(brake, 5, username) == [NONE] * 5
    for minutes in (1, 5, 15, 60, 60, 60):
        wait = minutes * MINUTE
        # From another address too, and asking doesn't make it longer.
        assert fail(brake, 3, username, address="10.0.0.2") == [wait] * 3
        clock.now += wait - SECOND
        assert fail(brake, 1, username.upper(), address="10.0.0.3") == [SECOND]
        clock.now += SECOND
        assert fail(brake, 1, username) == [NONE]


def test_an_address_waits_after_twenty_failures(brake):
    for number in range(20):
        assert fail(brake, 1, f"user{number}") == [NONE]
    assert fail(brake, 1) == [MINUTE]
    assert fail(brake, 1, address="10.0.0.2") == [NONE]


def test_failures_are_forgotten_after_a_day_without_any(brake, clock):
    fail(brake, 4)
    clock.now += timedelta(hours=24) - SECOND
    fail(brake, 1)
    assert fail(brake, 1) == [MINUTE]
    clock.now += timedelta(hours=24) + MINUTE
    assert fail(brake, 6) == [NONE] * 5 + [MINUTE]


def test_an_address_is_forgotten_after_an_hour(brake, clock):
    fail(brake, 19, "user")
    clock.now += timedelta(hours=1)
    assert [fail(brake, 1, f"user{number}") for number in range(20)] == [[NONE]] * 20
    assert fail(brake, 1) == [MINUTE]


def test_a_sign_in_forgives_the_account_and_not_the_address(brake):
    for number in range(19):
        fail(brake, 1, f"user{number}")
    for _ in range(30):
        assert attempt(brake, right=True) == NONE
        brake.forgive("ada")
    assert fail(brake, 2, "eve") == [NONE, MINUTE]


def test_a_right_password_alone_forgives_nothing(brake):
    """Whoever knows the password doesn't get more guesses at the code."""
    for number in range(4):
        fail(brake, 1)
        assert attempt(brake, right=True) == NONE, number
    fail(brake, 1)
    assert fail(brake, 1) == [MINUTE]


def test_the_owners_own_browser_is_not_kept_out_by_a_stranger(brake):
    brake.remember_device("ada", "hers")
    fail(brake, 5, address="10.6.6.6")
    assert fail(brake, 1, address="10.6.6.6") == [MINUTE]
    assert fail(brake, 5, device="hers") == [NONE] * 5
    # It has a count of its own, which is no way around the brake.
    assert fail(brake, 1, device="hers") == [MINUTE]


def test_a_browser_is_known_for_its_own_account_and_for_ninety_days(brake, store, clock):
    store.add_user("eve", Role.ADMIN, "correct horse battery")
    brake.remember_device("eve", "hers")
    fail(brake, 5)
    assert fail(brake, 1, device="hers") == [MINUTE]
    assert fail(brake, 1, device="guess") == [MINUTE]
    fail(brake, 5, "eve", address="10.0.0.2")
    assert fail(brake, 1, "eve", address="10.0.0.3", device="hers") == [NONE]
    clock.now += timedelta(days=91)
    fail(brake, 5, "eve")
    assert fail(brake, 1, "eve", address="10.0.0.3", device="hers") == [MINUTE]


def test_the_brake_outlives_the_process(place, brake, clock):
    fail(brake, 5)
    with place.open(clock=clock) as again:
        assert fail(Brake(again), 1, address="10.0.0.9") == [MINUTE]


def test_names_that_were_typed_are_not_kept(brake, store):
    fail(brake, 1, "my password by mistake")
    with store.database.read() as connection:
        kept = connection.exec_driver_sql("select * from brakes").all()
    assert len(kept) == 2
    assert "mistake" not in str(kept)


# --- at once ---------------------------------------------------------------------------------


def at_once(brake, names, *, right):
    """All these attempts from one address, taking turns as the login page does: how long each had to wait."""

    def turn(name):
        end = time.monotonic() + 30
        while not ((admission := brake.admit(name, "10.0.0.1")).ticket or admission.wait):
            assert time.monotonic() < end, "nobody leaves a try"
            time.sleep(0.02)
        if admission.ticket:
            brake.settle(admission.ticket, right=right)
        return admission.wait

    with ThreadPoolExecutor(16) as threads:
        return list(threads.map(turn, names))


def test_attempts_under_way_are_no_failures_but_take_up_the_tries(brake):
    tickets = [brake.admit("ada", f"10.0.0.{number}").ticket for number in range(5)]
    assert all(tickets)
    assert brake.admit("ada", "10.0.0.9") == Admission()
    brake.settle(tickets[0], right=True)
    assert attempt(brake, address="10.0.0.9", right=True) == NONE
    brake.settle(tickets[1], right=False)
    tickets.append(brake.admit("ada", "10.0.0.9").ticket)
    assert brake.admit("ada", "10.0.0.9") == Admission()
    for ticket in tickets[2:]:
        brake.settle(ticket, right=False)
    assert fail(brake, 1) == [MINUTE]


def test_all_who_sign_in_together_from_one_address_get_in(brake):
    assert at_once(brake, [f"user{number}" for number in range(60)], right=True) == [NONE] * 60
    assert fail(brake, 20, "eve")[:5] == [NONE] * 5, "and nothing was counted"


def test_simultaneous_guesses_get_no_more_tries_than_guesses_in_turn(brake):
    waits = at_once(brake, ["ada"] * 40, right=False)
    assert Counter(waits) == {NONE: 5, MINUTE: 35}
    waits = at_once(brake, [f"user{number}" for number in range(200)], right=False)
    assert Counter(waits) == {NONE: 15, MINUTE: 185}


def test_once_the_tries_are_used_up_they_come_one_at_a_time(brake, clock):
    fail(brake, 5)
    clock.now += MINUTE
    assert Counter(at_once(brake, ["ada"] * 10, right=False)) == {NONE: 1, 5 * MINUTE: 9}


def test_a_success_lifts_no_wait_that_failures_have_earned(brake):
    brake.remember_device("ada", "hers")
    theirs = brake.admit("ada", "10.0.0.1", "hers").ticket
    for number in range(20):
        assert fail(brake, 1, f"user{number}") == [NONE]
    assert fail(brake, 1) == [MINUTE]
    brake.settle(theirs, right=True)
    brake.forgive("ada", "hers")
    assert fail(brake, 1) == [MINUTE]
    assert fail(brake, 1, device="hers") == [NONE], "a browser that is known doesn't wait for its neighbours"


def test_a_sign_in_by_other_means_lifts_no_strangers_wait(brake, clock):
    """Single sign-on asks no brake; the guesses at the account's password wait on."""
    fail(brake, 5, address="10.6.6.6")
    brake.forgive("ada", "hers")
    assert fail(brake, 1, address="10.6.6.6") == [MINUTE]
    clock.now += MINUTE
    brake.forgive("ada", "hers")
    assert fail(brake, 6, address="10.6.6.6") == [NONE] * 5 + [MINUTE]
    brake.lift("ada")
    assert fail(brake, 1, address="10.6.6.6") == [NONE]


def test_an_attempt_that_never_ended_has_failed(brake, clock):
    fail(brake, 4)
    lost = brake.admit("ada", "10.0.0.1").ticket
    clock.now += MINUTE - SECOND
    assert brake.admit("ada", "10.0.0.1") == Admission()
    clock.now += SECOND
    assert brake.admit("ada", "10.0.0.1") == Admission(wait=MINUTE)
    brake.settle(lost, right=True)
    assert brake.admit("ada", "10.0.0.1") == Admission(wait=MINUTE), "too late"


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


def test_who_keeps_asking_under_made_up_names_leaves_no_rows(brake, store):
    for number in range(20):
        fail(brake, 1, f"name{number}")
    with store.database.read() as connection:
        before = connection.exec_driver_sql("select count(*) from brakes").scalar()
        assert before == 21
    assert [fail(brake, 1, f"another{number}") for number in range(30)] == [[MINUTE]] * 30
    with store.database.read() as connection:
        assert connection.exec_driver_sql("select count(*) from brakes").scalar() == before
