"""What the axes of all charts have in common."""

from __future__ import annotations

import altair as alt

#: The least step of a time axis in milliseconds, so that no date is told twice. Vega makes one tick more than fit:
#: of a day a whole step would be half a one.
LEAST_STEP = 129_600_000
#: By itself Vega writes a 0 that is alone as 0.000000.
NUMBER = ",~f"
#: The columns of rows, and the chart's parameters, that say from and up to which value an axis goes. Rows need not
#: have them, and then it goes as far as theirs reach.
FLOOR, TOP = "floor", "top"


def told_by_rows(name: str, otherwise: str) -> alt.Parameter:
    """A parameter that the first of a chart's rows has the value of, in a column of its name.

    A browser draws a chart from scratch when its specification changes and only moves its marks when its rows do, so
    rows say what else would be another specification. `otherwise` is a Vega expression, for a chart without rows.
    """
    return alt.param(name=name, expr=f"length(data('source')) ? data('source')[0].{name} : {otherwise}")


#: From 0 to what rows say, or else to whatever the values of all layers reach; for charts with the parameter `REACH`.
#: A whole domain in one layer would be that of all.
TO_TOP = alt.Scale(zero=True, nice=True, domainMax=alt.expr(TOP))
REACH = told_by_rows(TOP, "null")
#: Of a share near 100 %: from what rows say, or else from the least of them; for charts with the parameter `BASE`.
FROM_FLOOR = alt.Scale(zero=False, nice=True, domainMin=alt.expr(FLOOR), domainMax=100)
BASE = told_by_rows(FLOOR, "null")
