"""The program `dashboard`: a stop ends it without a traceback from its first moment on, its imports among them."""

from dashboard import interruption


def main() -> None:
    """Run a command."""
    interruption.end_at_once()
    from dashboard import cli

    cli.main(prog_name="dashboard")


if __name__ == "__main__":
    main()
