"""What a page shows of rows by file where there are very many files: what is worth a look, and the rest in sums."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dashboard.intake.report import ONE_BY_ONE
from dashboard.wording import plural

#: Of more rows some are summed up; a delivery of FHIR resources may be of tens of thousands of files.
MOST = ONE_BY_ONE


def by_file(frame: pd.DataFrame, of: str, counts: Sequence[str]) -> pd.DataFrame:
    """Of more than MOST files those with rejected rows, then those with rows left out, and a line for the rest.

    Args:
        frame: a row a file and kind, with `file`, `rows_rejected` and `rows_left_out`.
        of: the column of the kind: a table, or a type of resource.
        counts: the columns that are added up.
    """
    if len(frame) <= MOST:
        return frame
    # A count that is hidden tells nothing by its place either.
    seen = frame[["rows_rejected", "rows_left_out"]].fillna(0)
    order = seen.sort_values(["rows_rejected", "rows_left_out"], ascending=False, kind="stable").index
    shown = order[: min(MOST, int((seen > 0).any(axis=1).sum()))]
    told, rest = frame.loc[shown], frame.drop(shown)
    kinds = rest.groupby(of, sort=False)
    sums = kinds[list(counts)].sum(min_count=1)
    own = set(told[of])
    files = [
        plural(number, *(("other file", "other files") if kind in own else ("file", "files")))
        for kind, number in kinds["file"].nunique().items()
    ]
    return pd.concat([told, sums.assign(file=files).reset_index()], ignore_index=True)


def by_reason(frame: pd.DataFrame, of: Sequence[str], counted: str) -> pd.DataFrame:
    """Beyond MOST rows one for each reason, with its first file; beyond as many reasons the rest in one row.

    Args:
        frame: a row a file and reason, with `file`; the largest come first.
        of: the columns that make a reason, of which the last says it in words.
        counted: the column that is added up.
    """
    if len(frame) <= MOST:
        return frame
    reasons = frame.groupby(list(of), sort=False, dropna=False)
    firsts = reasons.head(1).reset_index(drop=True)
    others = reasons["file"].nunique().to_numpy() - 1
    names = [
        f"{file} and {plural(number, 'more file', 'more files')}" if number else file
        for file, number in zip(firsts["file"], others.tolist(), strict=True)
    ]
    sums = reasons[counted].sum(min_count=1).to_numpy()
    firsts = firsts.assign(file=names, **{counted: sums})
    firsts = firsts.sort_values(counted, ascending=False, kind="stable", na_position="last", ignore_index=True)
    if len(firsts) <= MOST:
        return firsts
    told, rest = firsts.head(MOST), firsts.iloc[MOST:]
    last = {of[-1]: plural(len(rest), "other reason", "other reasons"), counted: rest[counted].sum(min_count=1)}
    return pd.concat([told, pd.DataFrame([last])], ignore_index=True)
