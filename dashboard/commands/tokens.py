"""The commands `dashboard tokens …`."""

from __future__ import annotations

from datetime import timedelta

import click

from dashboard.commands.exports import reader_of
from dashboard.terminal import fail, operator, settings_in_force, store_of


@click.group()
def tokens() -> None:
    """Keys by which a spreadsheet or program takes a person's files, read-only.

    A token ends at once when its owner is disabled, or gets another role, other sites or a new password.

    \b
    Example:
        dashboard tokens add lee --dataset payment_rows --label "Power Query, month-end"
        dashboard tokens list
    """


@tokens.command("add")
@click.argument("username")
@click.option("--dataset", "datasets", multiple=True, required=True, help="A dataset; repeat it for several.")
@click.option("--site", "sites", multiple=True, help="A site; repeat it for several.  [default: all of the owner's]")
@click.option("--label", required=True, help="What it is for, in a few words.")
@click.option("--days", default=365, show_default=True, type=click.IntRange(1, 3650), help="Days until it ends.")
def tokens_add(username: str, datasets: tuple[str, ...], sites: tuple[str, ...], label: str, days: int) -> None:
    """Issue a token for USERNAME and print it, once.

    \b
    Example:
        dashboard tokens add lee --dataset payment_rows --site dallas --label "Google Sheets" --days 90
    """
    from dashboard import access, exports
    from dashboard.access import Viewer
    from dashboard.state import StateError
    from dashboard.state.export_tokens import ExportTokens

    settings = settings_in_force()
    with store_of(settings) as store:
        try:
            user = store.user(username)
            viewer = Viewer(user.username, user.name, user.role, None)
            if unknown := [name for name in datasets if name not in exports.DATASETS]:
                raise click.UsageError(f"There is no dataset {', '.join(unknown)}.")
            closed = [name for name in datasets if not access.allows(viewer, exports.DATASETS[name].resource)]
            if closed:
                raise StateError(f"{user.username} ({user.role.label}) may not take {', '.join(closed)}.")
            if sites:
                known = reader_of(settings, store, None).sites
                if strange := [site for site in sites if site not in known]:
                    raise click.UsageError(f"There is no site {', '.join(strange)}. Sites: {', '.join(known)}")
            issued = ExportTokens(store.by(operator()))
            token = issued.issue(username, label, datasets, sites or None, timedelta(days=days))
        except StateError as error:
            fail(str(error))
    click.echo(token)
    click.echo("This is shown once. Whoever has it reads these files: keep it like a password.", err=True)


@tokens.command("list")
@click.argument("username", required=False)
def tokens_list(username: str | None) -> None:
    """List the tokens, of all or of USERNAME.

    \b
    Example:
        dashboard tokens list lee
    """
    from dashboard.state.export_tokens import ExportTokens

    with store_of(settings_in_force()) as store:
        found = ExportTokens(store).list(username)
    for one in found:
        used = f"last used {one.used_at:%Y-%m-%d %H:%M} UTC" if one.used_at else "never used"
        until = f"until {one.expires_at:%Y-%m-%d}" if one.alive else "ended"
        sites = "all their sites" if one.sites is None else ", ".join(one.sites)
        click.echo(f"{one.key}  {one.username:<16}{until:<18}{', '.join(one.datasets)}; {sites}; {used}; {one.label}")
    if not found:
        click.echo("No tokens. Issue one: dashboard tokens add NAME --dataset DATASET --label TEXT", err=True)


@tokens.command("revoke")
@click.argument("token_id")
def tokens_revoke(token_id: str) -> None:
    """End a token at once; TOKEN_ID as `dashboard tokens list` shows it.

    \b
    Example:
        dashboard tokens revoke 3f9a01bc
    """
    from dashboard.state import StateError
    from dashboard.state.export_tokens import ExportTokens

    with store_of(settings_in_force()) as store:
        try:
            ended = ExportTokens(store.by(operator())).revoke(token_id)
        except StateError as error:
            fail(str(error))
    click.echo(f"Ended the token {ended.key} of {ended.username}: {ended.label}")
