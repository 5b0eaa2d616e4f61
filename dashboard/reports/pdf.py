"""A document as PDF: pages numbered, its title and the extract on each; no browser, no font of the machine."""

from __future__ import annotations

import io
from collections.abc import Iterable
from functools import cache, partial
from html import escape
from typing import Any

from reportlab import rl_config
from reportlab.lib import colors, pagesizes, styles, units
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    CondPageBreak,
    Flowable,
    Image,
    KeepInFrame,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
)

from dashboard import theme
from dashboard.reports import pictures
from dashboard.reports.document import Block, Document, Facts, Grid, Heading, Picture, Pictures, Text

_MARGIN = 1.5 * units.cm
_PAGE = pagesizes.landscape(pagesizes.letter)
_WIDTH = _PAGE[0] - 2 * _MARGIN
_REGULAR, _BOLD = "Vera", "VeraBd"
#: Signs that the text font lacks, and those of PDF's own fonts that have them.
_SIGNS = {**dict.fromkeys("▲▼★◆●", "ZapfDingbats"), **dict.fromkeys("′″→∞Δσ◊", "Symbol")}
#: Signs that no font here has, and the nearest that one has.
_ALIKE = str.maketrans("◇", "◊")
#: A column's share of the width grows with its text up to so many characters.
_WIDEST = 46
_CELL_PADDING = 5
#: Points that a character of a cell takes on average.
_CHARACTER = 3.9
#: A chart leaves room on its page for a table of a dozen rows.
_TALLEST = 0.47 * _PAGE[1]
#: Digits of the largest keyed number of a patient.
_LONGEST_KEY = 20
#: What the template leaves free inside its margins.
_FRAME_PADDING = 6
#: A table begins where a heading, its own and a few rows have room.
_BEGUN = 3 * units.cm


def render(document: Document) -> bytes:
    """The document as PDF, on US Letter, landscape."""
    _fonts()
    target = io.BytesIO()
    template = SimpleDocTemplate(
        target, pagesize=_PAGE, leftMargin=_MARGIN - _FRAME_PADDING, rightMargin=_MARGIN - _FRAME_PADDING,
        topMargin=_MARGIN, bottomMargin=1.7 * _MARGIN, title=document.title, subject=document.subtitle,
        author="Infusion dashboard",
    )  # fmt: skip
    demo = "Demo data. " if document.demo else ""
    story: list[Flowable] = [_paragraph(document.title, "title"), _paragraph(demo + document.subtitle, "quiet")]
    heading: list[Flowable] = []
    for block in document.blocks:
        if isinstance(block, Heading):
            story += heading
            heading = [Spacer(0, 8 if block.level == 2 else 3), _paragraph(block.text, f"heading{block.level}")]
            continue
        drawn = _flowables(block)
        # A heading stays with what begins below it: a whole picture, or the first rows of a table.
        if document.sheet or not (heading and drawn):
            story += [*heading, *drawn]
        elif isinstance(block, Grid | Facts):
            story += [CondPageBreak(_BEGUN), *heading, *drawn]
        else:
            story += [KeepTogether([*heading, drawn[0]]), *drawn[1:]]
        heading = []
    # Room after the last table would begin a page of its own where the sheet is full.
    while not heading and isinstance(story[-1], Spacer):
        story.pop()
    if document.sheet:
        story, heading = [KeepInFrame(0, 0, [*story, *heading], mode="shrink")], []
    foot = partial(_foot, text=f"{demo}{document.title}. {document.subtitle}")
    template.build([*story, *heading], onFirstPage=foot, onLaterPages=foot)
    return target.getvalue()


@cache
def _fonts() -> None:
    # Bytes as they are: to write them in letters takes time and a quarter more room.
    rl_config.useA85 = 0
    pdfmetrics.registerFont(TTFont(_REGULAR, "Vera.ttf"))
    pdfmetrics.registerFont(TTFont(_BOLD, "VeraBd.ttf"))
    pdfmetrics.registerFontFamily(_REGULAR, normal=_REGULAR, bold=_BOLD, italic=_REGULAR, boldItalic=_BOLD)


@cache
def _known() -> frozenset[int]:
    """The characters that the text font has."""
    _fonts()
    return frozenset(pdfmetrics.getFont(_REGULAR).face.charToGlyph)


@cache
def _style(name: str) -> styles.ParagraphStyle:
    quiet = colors.HexColor(theme.quiet("light"))
    plain: dict[str, Any] = {"fontName": _REGULAR, "fontSize": 8, "leading": 10.5}
    more: dict[str, dict[str, Any]] = {
        "title": {"fontName": _BOLD, "fontSize": 15, "leading": 19},
        "heading2": {"fontName": _BOLD, "fontSize": 10, "leading": 13, "spaceAfter": 3},
        "heading3": {"fontName": _BOLD, "fontSize": 8.5, "leading": 11, "spaceAfter": 2},
        "text": {"spaceAfter": 3},
        "quiet": {"fontSize": 7, "leading": 9, "textColor": quiet, "spaceAfter": 2},
        "term": {"fontName": _BOLD},
        "cell": {"fontSize": 6.5, "leading": 8},
        "number": {"fontSize": 6.5, "leading": 8, "alignment": 2},
        "head": {"fontName": _BOLD, "fontSize": 6.5, "leading": 8},
        "head number": {"fontName": _BOLD, "fontSize": 6.5, "leading": 8, "alignment": 2},
    }
    return styles.ParagraphStyle(name, **plain | more.get(name, {}))


def _paragraph(text: str, style: str) -> Paragraph:
    return Paragraph(_marked(text), _style(style))


def _marked(text: str) -> str:
    """Text as the library's markup; what no font here has is written as its code point."""
    parts = []
    for character in text.translate(_ALIKE):
        if character == "\n":
            parts.append("<br/>")
        elif ord(character) in _known():
            parts.append(escape(character))
        elif character in _SIGNS:
            parts.append(f'<font name="{_SIGNS[character]}">{character}</font>')
        else:
            parts.append(f"[U+{ord(character):04X}]")
    return "".join(parts)


def _flowables(block: Block) -> list[Flowable]:
    if isinstance(block, Heading):
        return [_paragraph(block.text, f"heading{block.level}")]
    if isinstance(block, Text):
        return [_paragraph(block.text, "quiet" if block.quiet else "text")]
    if isinstance(block, Facts):
        return [_facts(block)]
    if isinstance(block, Grid):
        return [_grid(block), Spacer(0, 3)]
    if isinstance(block, Picture):
        return [_image(block, _WIDTH)]
    return [_beside(block)] if block.each else []


def _facts(block: Facts) -> Flowable:
    rows = [[_paragraph(term, "term"), _paragraph(text, "text")] for term, text in block.rows]
    table = Table(rows, colWidths=[0.2 * _WIDTH, 0.8 * _WIDTH], hAlign="LEFT")
    table.setStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_tight()])
    return table


def _grid(block: Grid) -> Flowable:
    # Repeated on every page that the table goes on to.
    heads = ["head number" if numeric else "head" for numeric in block.numeric]
    kinds = ["number" if numeric else "cell" for numeric in block.numeric]
    widths = _widths(block)
    rows: list[list[Paragraph | str]] = [
        [_paragraph(text, kind) for text, kind in zip(block.headings, heads, strict=True)]
    ]
    rows += [[_cell(*one) for one in zip(row, kinds, widths, strict=True)] for row in block.rows]
    table = Table(rows, colWidths=widths, repeatRows=1, hAlign="LEFT")
    line = colors.Color(0, 0, 0, alpha=0.15)
    style = _style("cell")
    right = [("ALIGN", (i, 1), (i, -1), "RIGHT") for i, numeric in enumerate(block.numeric) if numeric]
    table.setStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, line), *_tight(),
            ("FONT", (0, 1), (-1, -1), style.fontName, style.fontSize, style.leading), *right,
        ]
    )  # fmt: skip
    return table


def _cell(text: str, kind: str, width: float) -> Paragraph | str:
    """A cell; as plain text where it fits in one line of the one font, which spares the breaking of lines."""
    style = _style(kind)
    plain = all(ord(character) in _known() for character in text)
    if plain and pdfmetrics.stringWidth(text, style.fontName, style.fontSize) <= width - _CELL_PADDING:
        return text
    return _paragraph(text, kind)


def _tight() -> list[tuple[Any, ...]]:
    padding = {"LEFTPADDING": 0, "RIGHTPADDING": _CELL_PADDING, "TOPPADDING": 1, "BOTTOMPADDING": 1.5}
    return [(name, (0, 0), (-1, -1), value) for name, value in padding.items()]


def _widths(block: Grid) -> list[float]:
    """Widths by the longest text of each column; no word of a heading, no number and no patient's key is broken.

    Half a number on the next line reads as another number.
    """
    words = [
        _CELL_PADDING + max(_widest_word("head", [heading]), _widest_word("cell", (row[place] for row in block.rows)))
        for place, heading in enumerate(block.headings)
    ]
    longest = [
        max((len(text) for text in dict.fromkeys(row[place] for row in block.rows)), default=0)
        for place in range(len(block.headings))
    ]
    wanted = [
        max(min(length, _WIDEST) * _CHARACTER + _CELL_PADDING - word, 0)
        for length, word in zip(longest, words, strict=True)
    ]
    left = _WIDTH - sum(words)
    if left < 0:
        return [_WIDTH * word / sum(words) for word in words]
    # What no text needs is shared by all.
    share = max(left - sum(wanted), 0) / len(words)
    scale = min(left / (sum(wanted) or 1), 1)
    return [word + more * scale + share for word, more in zip(words, wanted, strict=True)]


def _widest_word(kind: str, texts: Iterable[str]) -> float:
    """Points that the widest word of these takes; what is longer than a key may be broken."""
    style = _style(kind)
    words = {word for text in texts for word in text.split() if len(word) <= _LONGEST_KEY}
    return max((pdfmetrics.stringWidth(word, style.fontName, style.fontSize) for word in words), default=0)


def _image(block: Picture, width: float) -> Flowable:
    image = Image(io.BytesIO(pictures.png(block.body)), lazy=0)
    # Two pixels a point; smaller where there is no room.
    scale = min(0.5, width / image.imageWidth, _TALLEST / image.imageHeight)
    image.drawWidth, image.drawHeight = image.imageWidth * scale, image.imageHeight * scale
    image.hAlign = "LEFT"
    return image


def _beside(block: Pictures) -> Flowable:
    width = _WIDTH / max(len(block.each), 1)
    captions = [_paragraph(one.caption, "term") for one in block.each]
    table = Table(
        [captions, [_image(one, width - 8) for one in block.each]], colWidths=[width] * len(block.each), hAlign="LEFT"
    )
    table.setStyle(_tight())
    return table


def _foot(canvas: Canvas, _template: object, text: str) -> None:
    canvas.saveState()
    canvas.setFont(_REGULAR, 6.5)
    canvas.setFillColor(colors.HexColor(theme.quiet("light")))
    foot = Paragraph(_marked(text), _style("quiet"))
    foot.wrapOn(canvas, _WIDTH - 2 * units.cm, _MARGIN)
    foot.drawOn(canvas, _MARGIN, _MARGIN)
    canvas.drawRightString(_PAGE[0] - _MARGIN, _MARGIN, f"Page {canvas.getPageNumber()}")
    canvas.restoreState()
