"""The command line: users from start to end, what is asked for and what is refused."""

from __future__ import annotations

import re

import pyotp
import pytest
from server_harness import PASSWORD, people

from dashboard.access import Role
from dashboard.settings import Settings
from dashboard.state import Store
from dashboard.state.identities import Identities
from dashboard.state.resets import Resets
from dashboard.state.sealing import Seal
from dashboard.state.second_factor import SecondFactors, new_secret


def test_a_user_from_start_to_end(run, add, data):
    assert (
        add("Ada", "--role", "manager", "--site", "dallas", "--site", "chicago", "--name", "Ada Park").exit_code == 0
    )
    user = people(data)["ada"]
    assert (user.name, user.role, user.sites) == ("Ada Park", Role.MANAGER, ("chicago", "dallas"))

    assert run("users", "set-role", "ada", "--role", "finance").exit_code == 0
    assert people(data)["ada"].sites is None

    assert run("users", "disable", "ada").exit_code == 0
    listed = run("users", "list").output
    assert "ada" in listed
    assert "disabled" in listed
    assert run("users", "enable", "ada").exit_code == 0
    assert not people(data)["ada"].disabled

    assert run("users", "reset-password", "ada", "--password-stdin", answers="another password\n").exit_code == 0
    with Store.open(data, rounds=4) as store:
        assert store.verify("ada", "another password")


def test_the_password_is_asked_for_twice(run, data):
    differing = f"{PASSWORD}\nanother password\n"
    asked = run("users", "add", "ada", "--role", "admin", answers=differing + f"{PASSWORD}\n{PASSWORD}\n")
    assert asked.exit_code == 0
    assert PASSWORD not in asked.output
    with Store.open(data, rounds=4) as store:
        assert store.verify("ada", PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["ada", "--role", "manager"], "A manager needs a site"),
        (["ada", "--role", "manager", "--site", "boston"], "no site boston. Sites: chicago, dallas, miami_beach"),
        (["ada", "--role", "manager", "--site", "dallas", "--all-sites"], "exclude each other"),
        (["ada", "--role", "king"], "king"),
        (["ada"], "--role"),
    ],
)
def test_what_was_not_understood_exits_with_2(add, data, arguments, why):
    refused = add(*arguments)
    assert refused.exit_code == 2
    assert why in refused.stderr
    assert not people(data)


def test_what_failed_exits_with_1(run, add, data):
    assert add("ada", "--role", "admin").exit_code == 0
    again = add("ADA", "--role", "admin")
    assert (again.exit_code, again.stderr) == (1, "Error: There is a user ada already.\n")
    for command in ("disable", "enable"):
        assert run("users", command, "nobody").exit_code == 1
    weak = run("users", "reset-password", "ada", "--password-stdin", answers="short\n")
    assert weak.exit_code == 1
    assert "10 characters" in weak.stderr


def test_a_manager_may_have_every_site_when_it_is_said(add, data):
    assert add("ada", "--role", "manager", "--all-sites").exit_code == 0
    assert people(data)["ada"].sites is None


def token_of(shown):
    (address,) = re.findall(r"https?://\S+", shown.output)
    base, _, token = address.partition("/login/reset#")
    return base, token


def test_a_link_to_set_a_password(run, add, data, monkeypatch):
    monkeypatch.setenv("DASHBOARD_URL", "https://dashboard.example/")
    assert add("ada", "--role", "admin").exit_code == 0
    base, token = token_of(run("users", "reset-link", "ada"))
    assert base == "https://dashboard.example"
    with Store.open(data, rounds=4) as store:
        assert Resets(store).use(token, "another password")
        assert store.verify("ada", "another password")
    unknown = run("users", "reset-link", "nobody")
    assert (unknown.exit_code, unknown.stderr) == (1, "Error: There is no user nobody.\n")


def test_an_invited_user_sets_the_first_password(run, data):
    shown = run("users", "add", "kim", "--role", "finance", "--invite")
    assert shown.exit_code == 0
    with Store.open(data, rounds=4) as store:
        assert Resets(store).use(token_of(shown)[1], PASSWORD)
        assert store.verify("kim", PASSWORD)
    both = run("users", "add", "lee", "--role", "finance", "--invite", "--password-stdin", answers=f"{PASSWORD}\n")
    assert both.exit_code == 2
    assert "lee" not in people(data)


def test_who_was_invited_is_not_counted_among_those_who_can_sign_in(run, add, data, monkeypatch):
    def told():
        [line] = [line for line in run("check").output.splitlines() if line.split()[1] == "users"]
        return line

    shown = run("users", "add", "kim", "--role", "finance", "--invite")
    assert "nobody can sign in: 1 invited account has no password yet" in told()
    assert "dashboard users reset-link NAME" in told()
    assert run("users", "list").output.split()[-1] == "invited"
    assert add("ada", "--role", "admin").exit_code == 0
    assert "1 can sign in, 0 of them demo accounts; 1 invited account has no password yet" in told()
    for name, value in {
        "ISSUER": "https://id.example", "CLIENT_ID": "dashboard", "CLIENT_SECRET": "a long enough secret",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"DASHBOARD_OIDC_{name}", value)
    monkeypatch.setenv("DASHBOARD_URL", "https://dashboard.example")
    assert told().endswith("2 can sign in, 0 of them demo accounts")
    monkeypatch.delenv("DASHBOARD_OIDC_ISSUER")
    monkeypatch.delenv("DASHBOARD_OIDC_CLIENT_ID")
    with Store.open(data, rounds=4) as store:
        assert Resets(store).use(token_of(shown)[1], PASSWORD)
    assert told().endswith("2 can sign in, 0 of them demo accounts")
    assert "invited" not in run("users", "list").output


def test_a_link_does_not_go_by_plain_http(run, add, monkeypatch):
    add("ada", "--role", "admin")
    monkeypatch.setenv("DASHBOARD_URL", "http://dashboard.example")
    refused = run("users", "reset-link", "ada")
    assert refused.exit_code == 1
    assert "DASHBOARD_URL must be an https:// address" in refused.stderr


def test_a_lost_second_factor_is_taken_away(run, add, data):
    add("ada", "--role", "admin")
    secret = new_secret()
    with Store.open(data, rounds=4) as store:
        factors = SecondFactors(store, Seal.for_settings(Settings(data)))
        assert factors.confirm(store.user("ada"), secret, pyotp.TOTP(secret).now())
        token = store.open_session("ada")
        assert run("users", "reset-second-factor", "ada").exit_code == 0
        assert factors.status("ada") is None
        assert store.viewer(token, touch=False) is None
    assert run("users", "reset-second-factor", "nobody").exit_code == 1


def test_an_identity_belongs_to_one_account(run, add, data):
    for name in ("ada", "eve"):
        add(name, "--role", "admin")
    assert run("users", "set-identity", "ada", "Ada.Park@clinic.example").exit_code == 0
    taken = run("users", "set-identity", "eve", "ada.park@clinic.example")
    assert taken.exit_code == 1
    assert "another account" in taken.stderr
    with Store.open(data, rounds=4) as store:
        known = Identities(store)
        assert known.account("ADA.park@clinic.example").username == "ada"
        assert known.account("ada") is None, "the identity that was set stands for it alone"
        assert known.account("eve").username == "eve"
        assert run("users", "set-identity", "ada").exit_code == 0
        assert known.account("ada").username == "ada"
        assert known.account("ada.park@clinic.example") is None
