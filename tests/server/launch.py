"""Serves the probe page: `python launch.py PORT`."""

import sys
from pathlib import Path

from dashboard.server import serve
from dashboard.settings import Settings

serve(Settings.from_environment(), "127.0.0.1", int(sys.argv[1]), script=Path(__file__).parent / "probe.py")
