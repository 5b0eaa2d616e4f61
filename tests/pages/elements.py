"""What a run of a page sent to the browser."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import pandas as pd
import pyarrow as pa


def elements(block) -> Iterator:
    """Every element below a block, in order."""
    for child in block.children.values():
        yield child
        if hasattr(child, "children"):
            yield from elements(child)


def sent(at) -> str:
    """All text that the browser was sent, charts' and tables' rows among it."""
    parts = [e.proto.SerializeToString() for root in at._tree.children.values() for e in elements(root) if e.proto]
    return b"\n".join(parts).decode("utf-8", "replace")


def html(at) -> str:
    """All HTML of the run."""
    return "\n".join(e.proto.body for e in at.get("html"))


def rows_of(data: bytes) -> pd.DataFrame:
    """Rows as the browser reads them."""
    return pa.ipc.open_stream(BytesIO(data)).read_all().to_pandas()
