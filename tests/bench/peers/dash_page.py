"""Bookings with Dash and Plotly: one callback for the period, as its tutorial has it."""

from __future__ import annotations

import sys

import figures
import pandas as pd
import plotly.express as px
from dash import Dash, Input, Output, dcc, html

app = Dash(__name__)
app.layout = html.Div(
    [
        html.H1("Bookings"),
        dcc.Dropdown(list(figures.PERIODS), "Last 28 days", id="period", clearable=False, style={"width": 300}),
        html.Iframe(id="scorecard", style={"width": "100%", "height": 320, "border": 0}),
        html.Div(
            [dcc.Graph(id=name, config={"displayModeBar": False}) for name in figures.CHARTS],
            style={"display": "grid", "gridTemplateColumns": "1fr 1fr"},
        ),
    ]
)


def drawn(name, rows):
    """The rows as a Plotly figure of the same kind as the dashboard's chart."""
    frame, options = pd.DataFrame(rows), {"title": figures.title(name), "height": 300}
    if name == "weekday_hours":
        grid = frame.pivot_table(index="row", columns="column", values="value", sort=False)
        return px.imshow(grid, **options)
    if name == "lead_time":
        return px.bar(frame, x="step", y="value", color="site", barmode="group", **options)
    if name in ("bookings_by_status", "new_and_returning"):
        return px.bar(frame, x="period", y="value", color="status" if "status" in frame else "kind", **options)
    return px.line(frame, x="period", y="value", color="site", markers=True, **options)


@app.callback(
    Output("scorecard", "srcDoc"), *[Output(name, "figure") for name in figures.CHARTS], Input("period", "value")
)
def show(period):
    """All charts of a period."""
    return [figures.scorecard(period), *[drawn(name, rows) for name, rows, _ in figures.charts(period)]]


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(sys.argv[1]), debug=False)
