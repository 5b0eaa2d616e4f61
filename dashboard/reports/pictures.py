"""Charts as SVG and PNG, drawn in this process: no browser, no network."""

from __future__ import annotations

from typing import Any

import vl_convert

#: The newest grammar that both Altair and the converter speak.
VEGA_LITE = "6.4"
_CONFIG = {"background": "white", "view": {"stroke": "transparent"}}


def svg(body: dict[str, Any]) -> str:
    """A Vega-Lite specification with its rows as SVG."""
    return str(vl_convert.vegalite_to_svg(body, vl_version=VEGA_LITE, config=_CONFIG, allowed_base_urls=[]))


def png(body: dict[str, Any], scale: float = 2.0) -> bytes:
    """The same as PNG, `scale` times as many pixels as points."""
    return bytes(
        vl_convert.vegalite_to_png(body, vl_version=VEGA_LITE, config=_CONFIG, scale=scale, allowed_base_urls=[])
    )
