"""Bookings with Panel: the same Vega-Lite charts, bound to a select."""

from __future__ import annotations

import figures
import panel as pn

pn.extension("vega")


def charts(period):
    """All charts of a period; in SVG as the dashboard's, so that the same is drawn and seen to be drawn."""
    made = []
    for _, rows, body in figures.charts(period):
        options = {"data": {"values": rows}, "width": 600, "usermeta": {"embedOptions": {"renderer": "svg"}}}
        made.append(pn.pane.Vega(body | options, width=700))
    return pn.GridBox(*made, ncols=2)


period = pn.widgets.Select(options=list(figures.PERIODS), value="Last 28 days", width=300)
score = pn.pane.HTML(pn.bind(figures.scorecard, period), sizing_mode="stretch_width")
pn.Column("# Bookings", period, score, pn.bind(charts, period)).servable()
