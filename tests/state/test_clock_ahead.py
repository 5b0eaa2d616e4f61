"""A server whose clock was ahead for a while and was set right: nobody waits for what was written meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pyotp
import pytest

from dashboard.access import Role
from dashboard.state.alert_channels import AlertChannels, Run
from dashboard.state.brake import LIMITS, WAITS, Brake
from dashboard.state.challenges import Challenges
from dashboard.state.open_sessions import OpenSessions
from dashboard.state.resets import Resets
from dashboard.state.sealing import Seal
from dashboard.state.seats import Seats
from dashboard.state.second_factor import SecondFactors, new_secret

AHEAD = timedelta(days=365)


@pytest.fixture
def store(place, clock):
    with place.open(clock=clock) as store:
        store.add_user("ada", Role.ADMIN, "correct horse battery")
        clock.now += AHEAD
        yield store


def set_right(clock):
    clock.now -= AHEAD


def test_a_session_of_then_is_over_and_takes_no_place(store, clock):
    store.seats = Seats(total=1)
    token = store.open_session("ada")
    set_right(clock)
    assert store.viewer(token, touch=True) is None
    assert (store.count_sessions(), OpenSessions(store).of("ada")) == (0, [])
    own = store.open_session("ada")
    assert store.viewer(own, touch=True)
    clock.now += AHEAD
    assert store.viewer(token, touch=True) is None


def test_a_session_of_a_server_whose_clock_is_a_little_ahead_goes_on(store, clock):
    token = store.open_session("ada")
    clock.now -= timedelta(minutes=4)
    assert store.viewer(token, touch=True)
    clock.now -= timedelta(minutes=2)
    assert store.viewer(token, touch=True) is None


def test_a_wait_of_then_lasts_as_long_as_any(store, clock):
    brake = Brake(store)
    for number in range(LIMITS["account"] + 3):
        admission = brake.admit("ada", f"10.0.0.{number}")
        if admission.wait:
            clock.now += admission.wait
            admission = brake.admit("ada", f"10.0.0.{number}")
        brake.settle(admission.ticket, right=False)
    assert all(brake.admit("bo", "10.0.1.1").ticket for _ in range(LIMITS["account"]))  # of a process that was killed
    set_right(clock)
    assert timedelta(0) < brake.admit("ada", "10.0.0.99").wait <= WAITS[-1]
    clock.now += WAITS[-1] + timedelta(minutes=1)
    assert brake.admit("ada", "10.0.0.99").ticket
    assert brake.admit("bo", "10.0.1.1").wait <= WAITS[0]
    clock.now += WAITS[0]
    assert brake.admit("bo", "10.0.1.1").ticket


def test_a_code_is_taken_and_only_once(store, clock, tmp_path):
    factors, secret = SecondFactors(store, Seal(tmp_path / "key")), new_secret()
    code = pyotp.TOTP(secret).at
    assert factors.confirm(store.user("ada"), secret, code(clock.now))
    set_right(clock)
    assert [factors.check("ada", code(clock.now)) for _ in range(2)] == [True, False]
    clock.now += timedelta(seconds=30)
    assert factors.check("ada", code(clock.now))


def test_a_link_and_a_step_of_a_sign_in_are_void(store, clock, tmp_path):
    challenges = Challenges(store, Seal(tmp_path / "key"))
    link, step = Resets(store).issue("ada"), challenges.issue("code", {}, timedelta(minutes=5))
    set_right(clock)
    assert (Resets(store).owner(link), challenges.take("code", step)) == (None, None)
    link, step = Resets(store).issue("ada"), challenges.issue("code", {}, timedelta(minutes=5))
    assert Resets(store).owner(link)
    assert challenges.take("code", step)


def test_alerts_are_sent_and_the_timers_life_is_told(store, clock):
    channels = AlertChannels(store)
    channels.put("ada", "mail", "ada@clinic.example", 0)
    assert channels.claim("ada", "mail")
    channels.note_run(Run(clock.now))
    set_right(clock)
    assert channels.last_run() is None
    channels.note_run(Run(clock.now))
    assert channels.last_run() == Run(clock.now)
    assert [channels.claim("ada", "mail") for _ in range(2)] == [True, False]
