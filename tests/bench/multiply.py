"""Makes a demo delivery as large as is wanted: the same one several times over, each time with ids of its own.

    python -m tests.bench.multiply DELIVERY TARGET TIMES

The demo's generator holds what it makes in memory, 1.3 GB a million bookings. This takes none: parts are read and
written as they come, packed, one after the other and as many at a time as there are processors.
"""

from __future__ import annotations

import gzip
import re
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

_PART = 4_000_000
#: Ids of the demo: a letter and seven digits, a value of their own.
_ID = re.compile(rb"(?m)(^|,)([A-Z])(\d{7})(?=,|$)")


def copy(source: Path, target: Path, number: int) -> None:
    """A file packed, with the copy's number in every id."""
    with source.open("rb") as read, gzip.open(target, "wb", compresslevel=1) as written:
        written.write(read.readline())
        while part := read.read(_PART):
            part += read.readline()
            written.write(_ID.sub(rb"\g<1>\g<2>%d\g<3>" % number, part))


def multiply(delivery: Path, target: Path, times: int) -> None:
    """Write the delivery `times` times into the folder, which must not be there."""
    target.mkdir(parents=True)
    shutil.copy(delivery / "delivery.json", target)
    # Of equal length, so that none is the beginning of another.
    digits = 10 ** len(str(times - 1))
    with ProcessPoolExecutor() as pool:
        made = [
            pool.submit(copy, file, target / f"{file.stem}-{digits + number}.csv.gz", digits + number)
            for number in range(times)
            for file in sorted(delivery.glob("*.csv"))
        ]
    for one in made:
        one.result()


if __name__ == "__main__":
    multiply(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
