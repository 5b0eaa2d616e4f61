"""A store with people on both back ends, a clinic whose data go on, and the ends that messages arrive at."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace

import pytest
from alerts_clinic import NO_SHOWS, SECRET, SPIKE, THURSDAY, hook_server, mail_server, publish

from dashboard.access import Role
from dashboard.alerts.run import Runner, reader_of
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.state import Store
from dashboard.state.alert_channels import AlertChannels
from dashboard.state.alert_rules import AlertRules
from dashboard.state.sealing import Seal
from dashboard.warehouse import Warehouse
from tests.demo_extract import add_extract

PASSWORD = "correct horse battery"
PEOPLE = {
    "max": (Role.MANAGER, ["dallas"]),
    "two": (Role.MANAGER, ["chicago", "dallas"]),
    "dan": (Role.MEDICAL_DIRECTOR, None),
    "eve": (Role.FINANCE, None),
    "ada": (Role.ADMIN, None),
}


@dataclass
class Clinic:
    """Everything that a run needs, and short words for what tests do with it."""

    settings: Settings
    store: Store
    clock: object
    said: list[str] = field(default_factory=list)
    #: The open extract, where several runs share it as the threads of one process do.
    shared: Warehouse | None = None

    @property
    def rules(self) -> AlertRules:
        return AlertRules(self.store)

    @property
    def channels(self) -> AlertChannels:
        return AlertChannels(self.store)

    def house(self) -> Warehouse:
        return self.shared or Shelf(self.settings).current()

    def reader(self, username: str):
        return reader_of(self.store, self.house(), self.store.user(username))

    def add(self, username: str, *conditions) -> None:
        self.rules.add(self.reader(username), conditions)

    def mail_to(self, username: str, address: str | None = None, weekday: int | None = None) -> None:
        self.channels.put(username, "mail", address or f"{username}@clinic.example", weekday)

    def hook_to(self, username: str, url: str) -> None:
        self.channels.put(username, "hook", url, None, Seal.for_settings(self.settings).close(SECRET))

    def data_to(self, last: dt.date, **options) -> None:
        """A new extract, and the morning after its last day."""
        publish(self.settings.data, last, **options)
        self.clock.now = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(12), dt.UTC)

    def run(self, only: str | None = None, **changes):
        settings = replace(self.settings, **changes)
        runner = Runner(settings, self.store.by("os:timer"), self.house(), self.clock(), self.said.append)
        return runner.run(only)

    def dry_run(self):
        return Runner(self.settings, self.store, self.house(), self.clock(), self.said.append, dry=True).run()


@pytest.fixture
def mail():
    with mail_server() as served:
        yield served


@pytest.fixture
def hook():
    with hook_server() as served:
        yield served


@pytest.fixture
def clinic(place, clock, mail, hook):
    """The people, at a clinic without data yet."""
    settings = Settings(
        data=place.data, mail=mail.settings, webhook_hosts=frozenset({hook.host}), url="https://dashboard.example"
    )
    with place.open(clock=clock) as store:
        store.small_cells = settings.small_cells
        for username, (role, sites) in PEOPLE.items():
            store.add_user(username, role, PASSWORD, sites=sites)
        yield Clinic(settings, store, clock)


@pytest.fixture(scope="session")
def demo_settings(tmp_path_factory):
    """Settings of a data folder with the demo extract of a year."""
    data = tmp_path_factory.mktemp("demo")
    add_extract(data)
    return Settings(data=data)


@pytest.fixture(scope="session")
def demo_house(demo_settings):
    house = Shelf(demo_settings).current()
    yield house
    house.close()


@pytest.fixture
def spiked(clinic):
    """The morning after a day with many no-shows in Dallas, with Max's rule about them."""
    clinic.data_to(THURSDAY, spikes=SPIKE)
    clinic.add("max", NO_SHOWS)
    clinic.mail_to("max")
    return clinic
