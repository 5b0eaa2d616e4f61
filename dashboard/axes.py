"""What the axes of all charts have in common."""

from __future__ import annotations

import altair as alt

#: The least step of a time axis in milliseconds, so that no date is told twice. Vega makes one tick more than fit:
#: of a day a whole step would be half a one.
LEAST_STEP = 129_600_000
#: By itself Vega writes a 0 that is alone as 0.000000.
NUMBER = ",~f"
#: From 0 to whatever the values of all layers reach. A domain of its own in one layer would be that of all.
FROM_ZERO = alt.Scale(zero=True, nice=True)
