"""The frame of a printed page, and a document in it: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from html import escape

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from dashboard import theme
from dashboard.reports import pictures
from dashboard.reports.document import Block, Document, Facts, Grid, Heading, Picture, Text
from dashboard.settings import ROOT

_TEMPLATES = Environment(loader=FileSystemLoader(ROOT / "dashboard" / "templates"), autoescape=True)


def render(document: Document) -> str:
    """The document as HTML: styles and charts within, to be read, printed and kept."""
    template = _TEMPLATES.get_template("report.html")
    return template.render(
        title=document.title,
        subtitle=document.subtitle,
        demo=document.demo,
        colours=Markup(theme.css_variables("light")),  # noqa: S704 - colours of our own
        body=Markup("\n".join(_block(block) for block in document.blocks)),  # noqa: S704 - escaped below
    )


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{escape(block.text)}</h{block.level}>"
    if isinstance(block, Text):
        return f"<p{' class=quiet' if block.quiet else ''}>{_lines(block.text)}</p>"
    if isinstance(block, Facts):
        return _facts(block)
    if isinstance(block, Grid):
        return _grid(block)
    if isinstance(block, Picture):
        return _picture(block)
    return f'<div class="pictures">{"".join(map(_picture, block.each))}</div>'


def _facts(block: Facts) -> str:
    return "<dl>" + "".join(f"<dt>{escape(term)}</dt><dd>{_lines(text)}</dd>" for term, text in block.rows) + "</dl>"


def _grid(block: Grid) -> str:
    kinds = [' class="number"' if numeric else "" for numeric in block.numeric]
    head = "".join(
        f'<th scope="col"{kind}>{escape(text)}</th>' for kind, text in zip(kinds, block.headings, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(text)}</td>" for kind, text in zip(kinds, row, strict=True)) + "</tr>"
        for row in block.rows
    )
    return (
        f'<div class="table"><table><caption>{escape(block.title)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _picture(block: Picture) -> str:
    caption = f"<figcaption>{escape(block.caption)}</figcaption>" if block.caption else ""
    # An image each, since drawings within one page would share their identifiers.
    encoded = base64.b64encode(pictures.svg(block.body).encode()).decode()
    return f'<figure>{caption}<img alt="{escape(block.alt)}" src="data:image/svg+xml;base64,{encoded}"></figure>'


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
