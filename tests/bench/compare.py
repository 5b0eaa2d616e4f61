"""Set the ratios that the benchmarks found last beside those on record: `make bench-compare`.

With `--record` what was found becomes the record.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dashboard.settings import ROOT

FOUND = ROOT / "artifacts" / "bench.json"
RECORD = Path(__file__).with_name("ratios.json")
#: Machines differ and are noisy: less than this is no finding.
MARGIN = 1.25


def main(words: list[str]) -> int:
    """Print each ratio beside its record; 1 where one became worse by more than the margin, or nothing was found."""
    if not FOUND.exists():
        print(f"{FOUND} is missing; run: make bench")
        return 1
    found = json.loads(FOUND.read_text(encoding="utf-8"))
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    if words == ["--record"]:
        RECORD.write_text(json.dumps(record | found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"recorded {len(found)} ratios")
        return 0
    worse = 0
    for name in sorted(found | record):
        now, before = found.get(name), record.get(name)
        slower = now is not None and before is not None and now > before * MARGIN
        worse += slower
        shown = ["     –" if value is None else f"{value:6.2f}" for value in (before, now)]
        print(f"{'SLOWER' if slower else '':6} {shown[0]} recorded {shown[1]} now  {name}")
    print(f"{worse} of {len(found)} ratios are worse than on record by more than {MARGIN - 1:.0%}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
