"""Texts that break files and spreadsheets, made by rule: disguised formulas, scripts, separators, odd numbers."""

from __future__ import annotations

import itertools

FORMULAS = ("1+1", "SUM(A1:A9)", "cmd|' /C calc'!A0", 'HYPERLINK("http://x.invalid","y")', "-2", "A1")
STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
    "\u2212",
    "\ufe66",
    "\ufe62",
    "\ufe63",
    "\ufe6b",
)
DISGUISES = (
    "", " ", "  ", "\t", "\n", "\r", "\r\n", "\x0b", "\x00", "\x1f", "\x7f", "\xa0", "\xad", "\u200b", "\u200d", "\u200e",
    "\u202e", "\u2060", "\u2066", "\u3000", "\u3164", "\ufeff", "\ufe0f", '"', "'", "''", '""', "`", "\u2018", "\u201c",
    "\xab", "\uff02", " \u200b\t", '\ufeff"',
)  # fmt: skip


#: What a spreadsheet reads as a number or a day that says something else: keys, codes, shares.
CHANGED = (
    "1.10", "1.0", "12.", ".5", "475.005", "1.234.567", "12,5", "1,234", "1,2,3", "5-", "12.5-", "5 %", "12.5%", "5€", "$475.00",
    "(500)", "€5", "1 1/2", "10-12", "10/12", "1/2/3", "1-2-2026", "2026-10", "10-2026", "2026/10", "2026-10-12", "2026.10.12",
    "10.12.", "10.12.2026", "Mar-1", "mar 1", "MAR.01", "SEPT2", "Sep 30", "DEC12", "OCT-2026", "Nov2026", "August 5", "May/5",
    "1MAR", "5 March", "1-Jul", "1-Jul-26", "2026 feb", "30.JUN",
)  # fmt: skip
#: What looks like it and is read as it stands, or as the time or day that it says.
KEPT = (
    "85+", "12–17", "12-345", "2026-00123", "555-1234", "B0052135", "DR-08", "VISIT-0001", "mayo 5", "Marker1", "Octagon-3", "Juno7",
    "MAR", "MAR123", "12MARCH2026x", "31 Aug 2026", "Oct 2026", "8:00 am", "12:30", "2026-10-12 09:00", "3 months", "Q1", "5 USD",
)  # fmt: skip


def disguised() -> list[str]:
    """Formulas behind every start and disguise."""
    return [d + s + f for d, s, f in itertools.product(DISGUISES, STARTS, FORMULAS)]


def odd() -> list[str]:
    """Texts that no file may lose, change or split: one of each kind for each code point and word."""
    words = [
        "plain",
        "caf\u00e9",
        "12\u201317",
        "\u6771\u4eac",
        "\u0645\u0631\u062d\u0628\u0627",
        "\U0001f489\U0001f469\u200d\u2695\ufe0f",
    ]
    words += [
        "e\u0301",
        "Z\u0351\u0352a\u0353lgo",
        "\u202ereversed\u202c",
        "\uac00",
        "\u0e01\u0e33",
        "\U00010437",
        "\ud7ff",
        "\ue000",
    ]
    around = [
        "{}",
        " {}",
        "{} ",
        '"{}"',
        "{},{}",
        "{};{}",
        "{}\t{}",
        "{}\r\n{}",
        "{}\n",
        "'{}",
        "{}'",
        '{}"',
        "\\{}",
        "{{{}}}",
        "<{}>",
        "&{};",
    ]
    texts = [form.format(*[word] * form.count("{}")) for word in words for form in around]
    numbers = ["0", "00", "007", "1e5", "1E+15", "12345678901", "123456789012", "1234567890123456", "9" * 40, "1.2.3"]
    numbers += [
        "1/2",
        "3-4",
        "MAR1",
        "1:30",
        "$5",
        "5%",
        "(5)",
        "1,000",
        "0x1F",
        "Infinity",
        "NaN",
        "#N/A",
        "TRUE",
        "null",
    ]
    numbers += [*CHANGED, *KEPT]
    controls = [f"a{chr(code)}b" for code in (*range(1, 0x20), *range(0x7F, 0xA1), 0xFFFD, 0xFFFC)]
    escapes = ["_x0041_", "_x000D_", "&#x41;", "%00", "\\u0041", "<![CDATA[x]]>", "]]>", "<!--", "--", "{{7*7}}"]
    spaces = [f"a{chr(code)}b" for code in range(0x2000, 0x2010)]
    return texts + numbers + controls + escapes + spaces


def all_texts() -> list[str]:
    """Everything, once."""
    return list(dict.fromkeys(disguised() + odd()))
