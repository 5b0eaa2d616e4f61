"""How well a colour is read on another, as the Web Content Accessibility Guidelines have it."""

from __future__ import annotations


def rgb_of(colour):
    """Red, green and blue, 0 to 255, of a colour like #0B6E8A."""
    return tuple(int(colour[place : place + 2], 16) for place in (1, 3, 5))


def contrast(one, other):
    """The contrast ratio of two colours, each as red, green and blue."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(rgb):
    parts = [part / 255 for part in rgb]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
