"""The Alerts page's pieces: how the viewer's rules stand, each rule, a new one, and where messages go."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import Literal, TypeVar

import streamlit as st

from dashboard import verdicts
from dashboard.access import Role
from dashboard.alerts import deliver, evaluate, rules
from dashboard.alerts.rules import Condition, Kind, Rule
from dashboard.filters import day_text
from dashboard.metrics import METRICS
from dashboard.screen import forms, identity, page, tables
from dashboard.settings import Settings
from dashboard.state import StateError, store_in_force
from dashboard.state.alert_channels import AlertChannels, Channel, ChannelName
from dashboard.state.alert_rules import AlertRules, Evaluation
from dashboard.state.sealing import Seal
from dashboard.wording import about, plural

#: Days of findings that a rule shows.
FOUND = 14
#: A snooze ends within so long.
LONGEST_SNOOZE = dt.timedelta(days=366)
Word = TypeVar("Word", bound=str)
#: 5 January 2026 was a Monday.
_WEEKDAYS = {"": "None"} | {str(day): f"{dt.date(2026, 1, 5 + day):%A}" for day in range(7)}
_SECRET = "alert_secret"  # noqa: S105 - where the session keeps it until it was shown
_OUTCOMES = {"alert": "Alert", "quiet": "As usual", "not judged": "Not judged"}


def standing(view: page.View) -> None:
    """How many alerts are open, what the data are, and when rules were last checked."""
    own = _rules().of(view.reader.viewer.username)
    is_open = sum(rule.open_since is not None for rule in own)
    said = f"{is_open} of your {plural(len(own), 'rule', 'rules')} with an open alert" if own else "No rules yet"
    catalogue = view.reader.catalogue
    run = _channels().last_run()
    by_timer = "<code>dashboard alerts run</code> on a timer does that"
    ran = (
        f"Everybody's rules were last checked on {day_text(run.at.date())}, {run.at:%H:%M} UTC."
        if run
        else f"No rule has been checked here yet: {_set_up(view, by_timer)}."
    )
    chance = verdicts.FALSE_ALARMS * sum(rule.active and rule.condition.kind == "special" for rule in own)
    by_chance = f" Of these rules about {about(7 * chance)} a week open by chance alone." if chance else ""
    st.html(
        f'<h2 class="answer">{said}</h2><p class="take">Extract with data to {day_text(catalogue.last_full_day)}. '
        f"{ran} Each rule is looked at once a day of data; you are told when an alert opens and when it recovers."
        f"{by_chance}</p>"
    )


def _set_up(view: page.View, how: str) -> str:
    """What an administrator reads of a setting, and who sets it for everybody else."""
    return how if view.reader.viewer.role is Role.ADMIN else "an administrator can set that up"


def rules_of(view: page.View) -> None:
    """Each rule with where it stands; what was found and what can be done, where it is opened."""
    own = sorted(
        _rules().of(view.reader.viewer.username), key=lambda rule: (rule.open_since is None, not rule.active)
    )
    for rule in own:
        opened = st.expander(
            _label(view, rule), key=f"rule_{rule.rule}", icon=_icon(view, rule), on_change="rerun", type="compact"
        )
        if opened.open:
            with opened:
                _detail(view, rule)


def _label(view: page.View, rule: Rule) -> str:
    if rules.closed(view.reader, rule.condition):
        return "Not checked: a rule about what is not open to you now"
    title = rules.title(rule.condition, view.reader.catalogue.site_name(rule.condition.site))
    return f"**{_state(view, rule)}** · {tables.verbatim(title)}"


def _state(view: page.View, rule: Rule) -> str:
    if not rule.active:
        return "Off"
    since = f"open since {day_text(rule.open_since)}" if rule.open_since else ""
    if rule.snoozed_until and rule.snoozed(_today(view, rule)):
        return f"Snoozed until {day_text(rule.snoozed_until)}" + (f", {since}" if since else "")
    return since[0].upper() + since[1:] if since else "Not open" if rule.evaluated_on else "Not checked yet"


def _icon(view: page.View, rule: Rule) -> str:
    if not rule.active or rules.closed(view.reader, rule.condition):
        return ":material/notifications_off:"
    if rule.snoozed(_today(view, rule)):
        return ":material/notifications_paused:"
    return ":material/notifications_active:" if rule.open_since else ":material/notifications:"


def _detail(view: page.View, rule: Rule) -> None:
    username = view.reader.viewer.username
    closed = rules.closed(view.reader, rule.condition)
    if closed:
        st.html(f'<p class="take">{escape(closed)}</p>')
    else:
        _found(view, rule, _rules().found(username, rule.rule, FOUND))
        _change(view, rule)
        _snooze(view, rule)
    with st.container(horizontal=True):
        if not closed and st.button("Switch off" if rule.active else "Switch on", key=f"switch_{rule.rule}"):
            _tried(lambda: _rules().switch(username, rule.rule, on=not rule.active))
        if st.button("Delete the rule", key=f"delete_{rule.rule}"):
            _tried(lambda: _rules().remove(username, rule.rule))


def _found(view: page.View, rule: Rule, found: list[Evaluation]) -> None:
    if not found:
        st.html('<p class="take">Nothing was found yet: it is checked at the next run.</p>')
        return
    rows = "".join(
        f"<tr><td>{day_text(one.day)}</td><td>{escape(_OUTCOMES.get(one.outcome, one.outcome))}</td>"
        f'<td>{escape(one.said)} <a href="{escape(evaluate.address(view.reader, rule.condition, one.day))}" '
        f'target="_self" aria-label="The page behind {day_text(one.day)}">Open</a></td></tr>'
        for one in found
    )
    head = "".join(f'<th scope="col">{text}</th>' for text in ("Day", "Found", "In words"))
    st.html(
        f'<div class="scorecard list"><table><caption>What was found, newest first</caption><thead><tr>{head}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _change(view: page.View, rule: Rule) -> None:
    condition = rule.condition
    if condition.kind == "missing" and condition.what == "bookings":
        return
    with st.form(f"change_{rule.rule}", border=False):
        changed = _details(condition, f"of_{rule.rule}")
        sent = st.form_submit_button("Change", help="What was found before is forgotten.")
    if sent:
        _tried(lambda: _rules().change(view.reader, rule.rule, changed))


def _snooze(view: page.View, rule: Rule) -> None:
    username, today = view.reader.viewer.username, _today(view, rule)
    if rule.snoozed(today):
        if st.button("End the snooze", key=f"wake_{rule.rule}"):
            _tried(lambda: _rules().snooze(username, rule.rule, None))
        return
    with st.form(f"snooze_{rule.rule}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        tomorrow = today + dt.timedelta(days=1)
        until = st.date_input(
            "Tell me nothing of it before", today + dt.timedelta(days=7), min_value=tomorrow,
            max_value=today + LONGEST_SNOOZE, format="YYYY-MM-DD", width=200,
        )  # fmt: skip
        if st.form_submit_button("Snooze"):
            _tried(lambda: _rules().snooze(username, rule.rule, forms.day_of(until)))


def new_rule(view: page.View) -> None:
    """The usual rules in one click, and a form for one of the viewer's own."""
    st.header("New rules", anchor=False)
    names = {site: view.reader.catalogue.site_name(site) for site in view.reader.sites}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        site = _choice("Site", names, "usual_site", width=360) if len(names) > 1 else next(iter(names))
        wanted = rules.usual(view.reader, site)
        lacking = rules.lacking(wanted, _rules().of(view.reader.viewer.username))
        if lacking and st.button("Add the usual rules", type="primary"):
            _tried(lambda: _rules().add(view.reader, wanted))
    listed = "".join(f"<li>{escape(rules.title(one))}</li>" for one in lacking)
    where = escape(names[site])
    said = f"The usual rules of {where}:<ul>{listed}</ul>" if lacking else f"You have the usual rules of {where}."
    st.html(f'<div class="take">{said}</div>')
    opened = st.expander("A rule of your own", key="own_rule", on_change="rerun", icon=":material/add_alert:")
    if opened.open:
        with opened:
            _own(view, names)


def _own(view: page.View, names: dict[str, str]) -> None:
    kind = _choice("Tell me when", rules.kinds(view.reader), "alert_kind")
    whats = rules.MISSING if kind == "missing" else {name: METRICS[name].title for name in rules.figures(view.reader)}
    what = _choice("Which data" if kind == "missing" else "Figure", whats, f"alert_what_{kind}")
    with st.form("add_rule", border=False):
        site = _choice("At", names, "alert_site") if len(names) > 1 else next(iter(names))
        wanted = _details(_first(kind, what), "of_new")
        if st.form_submit_button("Add the rule", type="primary"):
            _tried(lambda: _rules().add(view.reader, [replace(wanted, site=site)]))


def _first(kind: Kind, what: str) -> Condition:
    """What the form of a new rule begins with; the site is chosen in it."""
    number = {"data": float(rules.USUAL_DAYS), "forms": float(rules.USUAL_FORMS)}.get(what, 0.0)
    return Condition("", kind, what, next(iter(rules.SIDES[kind])), number, least=10)


def _details(condition: Condition, key: str) -> Condition:
    """The fields that such a rule has besides site and figure; the condition as they say."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sides = rules.SIDES[condition.kind]
        side, number, least = condition.side, condition.number, condition.least
        if len(sides) > 1:
            side = _choice("Which way", sides, f"{key}_side", first=side, width=420)
        metric = condition.metric
        if condition.kind == "threshold" and metric is not None:
            unit = "" if metric.unit == "count" else f", {metric.unit}"
            number = st.number_input(
                f"Number{unit}", 0.0, None, number or 0.0, 1.0, "%.1f", key=f"{key}_number", width=160
            )
            if metric.denominator:
                label = f"Not judged below so many {metric.counted[1]}"
                least = int(st.number_input(label, 0, rules.MOST_LEAST, least, 1, key=f"{key}_least", width=320))
        elif condition.what in {"data", "forms"}:
            label = "Older than, in days" if condition.what == "data" else "More late forms than"
            number = float(st.number_input(label, 0, 10_000, int(number or 0), 1, key=f"{key}_number", width=200))
    return replace(condition, side=side, number=number, least=least)


def channels(view: page.View) -> None:
    """The viewer's e-mail address and webhook, with the weekday of a digest."""
    st.header("Where messages go", anchor=False)
    settings = Settings.from_environment()
    own = _channels().of(view.reader.viewer.username)
    st.html(
        '<p class="take">Messages hold figures of a whole site and a link, never a row of a patient. E-mail may be '
        "read by others on its way and in the mailbox.</p>"
    )
    if settings.mail is None:
        st.caption(f"E-mail: no mail server is set here; {_set_up(view, 'DASHBOARD_SMTP_HOST names it')}.")
    if settings.mail is not None or "mail" in own:
        _channel(view, own.get("mail"), "mail", "E-mail address", lambda text: deliver.mail_target(settings, text))
    if not settings.webhook_hosts:
        st.caption(f"Webhooks: none is allowed here; {_set_up(view, 'DASHBOARD_WEBHOOK_HOSTS names their hosts')}.")
    if settings.webhook_hosts or "hook" in own:
        _channel(view, own.get("hook"), "hook", "Webhook", lambda text: deliver.hook_target(settings, text))
    if secret := st.session_state.pop(_SECRET, None):
        st.success("The webhook's secret, shown this once. The receiver checks signatures with it:")
        st.code(secret, language=None)


def _channel(
    view: page.View, own: Channel | None, name: ChannelName, title: str, checked: Callable[[str], str]
) -> None:
    username = view.reader.viewer.username
    with st.form(f"channel_{name}", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        # Where people sign in with their e-mail address, it is offered.
        first = username if name == "mail" and "@" in username else ""
        target = st.text_input(title, own.target if own else first, max_chars=deliver.LONGEST_URL, width=380)
        kept = str(own.weekday) if own and own.weekday is not None else ""
        weekday = _choice("Weekly digest", _WEEKDAYS, f"weekday_{name}", first=kept, width=160)
        if st.form_submit_button("Keep"):
            day = int(weekday) if weekday else None
            _tried(lambda: _keep(username, name, checked(target), day, new=own is None))
    if own is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f'<p class="take">{escape(_sending(own))}</p>', width="content")
        if name == "hook" and st.button("New secret", key="renew_hook"):
            _tried(lambda: _keep(username, name, own.target, own.weekday, new=True))
        if st.button("Remove", key=f"remove_{name}", help=f"Nothing is sent there any more: {title}."):
            _tried(lambda: _channels().remove(username, name))


def _keep(username: str, name: ChannelName, target: str, weekday: int | None, *, new: bool) -> None:
    """Keep a channel; a webhook's new secret is sealed, and shown at the next run of the page."""
    sealed = None
    if name == "hook" and new:
        secret = secrets.token_urlsafe(32)
        sealed = Seal.for_settings(Settings.from_environment()).close(secret)
        st.session_state[_SECRET] = secret
    _channels().put(username, name, target, weekday, sealed)


def _sending(own: Channel) -> str:
    if own.fault and own.failing_since:
        since = own.failing_since
        return f"Not sent since {day_text(since.date())}, {since:%H:%M} UTC: {own.fault}. The next run tries again."
    if own.sent_at:
        return f"Last sent {day_text(own.sent_at.date())}, {own.sent_at:%H:%M} UTC."
    return "Nothing was sent yet."


def _choice(
    label: str, options: dict[Word, str], key: str, *, first: str = "", width: int | Literal["stretch"] = "stretch"
) -> Word:
    """One of the options, which has words for people; what isn't among them is the first."""
    keys = list(options)
    place = next((number for number, one in enumerate(keys) if one == first), 0)
    chosen = st.selectbox(label, keys, place, format_func=lambda one: options.get(one, one), key=key, width=width)
    return chosen if chosen in options else keys[place]


def _tried(change: Callable[[], object]) -> None:
    # A form may have stood open for long: whoever sends it must still be here.
    identity.current_viewer()
    try:
        change()
    except (StateError, rules.RuleError, deliver.TargetError) as error:
        st.error(f"{error} Nothing was changed.")
    else:
        st.rerun()


def _today(view: page.View, rule: Rule) -> dt.date:
    """The date at the rule's site; of one that isn't there any more, at the first of the viewer's."""
    sites = view.reader.sites
    site = rule.condition.site if rule.condition.site in sites else sites[0]
    return evaluate.local_date(view.reader, site, dt.datetime.now(dt.UTC))


def _rules() -> AlertRules:
    return AlertRules(store_in_force())


def _channels() -> AlertChannels:
    return AlertChannels(store_in_force())
