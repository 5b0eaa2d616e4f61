"""Which deliveries of an inbox are done with, of those that are added in turn, by the record of imports."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.intake.attempts import Attempt


def settled(record: Sequence[Attempt], under: str | None = None) -> set[str]:
    """Fingerprints of the deliveries that are done with; what failed for lack of room is tried again.

    Args:
        record: the attempts.
        under: digest of what else decides; what was refused or held under another one isn't done with.
    """
    return {
        attempt.fingerprint
        for attempt in record
        if attempt.result == "published" or (attempt.result != "failed" and under in (None, attempt.under))
    }


def published_behind(record: Sequence[Attempt], name: str, names: Sequence[str]) -> str | None:
    """The last of the deliveries with these names that was published and stands behind this one by name."""
    published = {attempt.delivery for attempt in record if attempt.result == "published"}
    return max((one for one in names if one > name and one in published), default=None)


def place_in_turn(record: Sequence[Attempt], delivery: str, fingerprint: str, in_use: str | None) -> int | None:
    """Where in the record a delivery was published last.

    The same bytes under another name say that something is again as it was, so that both must be the same.

    Returns:
        None where it never was; -1 where somebody has since put an extract in use from before it.
    """
    found = [
        place
        for place, one in enumerate(record)
        if one.result == "published" and (one.delivery, one.fingerprint) == (delivery, fingerprint)
    ]
    if not found:
        return None
    return -1 if found[-1] in _left_behind(record, in_use) else found[-1]


def _left_behind(record: Sequence[Attempt], in_use: str | None) -> set[int]:
    """The places of what was published and isn't in the extract in use, since an earlier one was put in use again.

    In it are what it was made of, what that was added to, and so on to a whole delivery, before which all counts as
    part of that.
    """
    published = {place for place, one in enumerate(record) if one.result == "published"}
    place = next((place for place in sorted(published, reverse=True) if record[place].extract == in_use), None)
    if in_use is None or place is None:
        return set()
    chain = {place}
    while (base := record[place].base) is not None:
        before = [one for one in published if one < place and record[one].extract == base]
        if not before:
            break
        place = max(before)
        chain.add(place)
    return {one for one in published if one > place} - chain
