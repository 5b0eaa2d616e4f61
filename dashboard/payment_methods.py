"""What payment methods are called: the extract has them in small letters, with blanks between words."""

from __future__ import annotations

import re

#: Words that are not written as others are. No two are written alike, since each method has a bar of its own.
_WRITTEN = {
    "hsa": "HSA",
    "fsa": "FSA",
    "hra": "HRA",
    "ach": "ACH",
    "eft": "EFT",
    "e check": "E-check",
    "echeck": "eCheck",
    "visa": "Visa",
    "mastercard": "Mastercard",
    "master card": "Master Card",
    "amex": "Amex",
    "american express": "American Express",
    "discover": "Discover",
    "paypal": "PayPal",
    "venmo": "Venmo",
    "zelle": "Zelle",
    "cash app": "Cash App",
    "apple pay": "Apple Pay",
    "google pay": "Google Pay",
    "carecredit": "CareCredit",
    "care credit": "Care Credit",
}
_WORDS = re.compile(rf"\b({'|'.join(sorted(_WRITTEN, key=len, reverse=True))})\b")


def folded(text: str) -> str:
    """A method as the extract has it, as `as_method` of queries/build/macros.sql makes it.

    >>> folded(" Credit-Card"), folded("HSA")
    ('credit card', 'hsa')
    """
    return re.sub(r"[\s_-]+", " ", text.lower()).strip()


def method_name(method: str) -> str:
    """A method as people read it.

    >>> method_name("credit card"), method_name("hsa card"), method_name("not recorded")
    ('Credit card', 'HSA card', 'Not recorded')
    """
    named = _WORDS.sub(lambda found: _WRITTEN[found[1]], method)
    return named[:1].upper() + named[1:]
