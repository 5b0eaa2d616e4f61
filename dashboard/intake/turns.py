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


def of(record: Sequence[Attempt], name: str) -> list[Attempt]:
    """The attempts of a delivery with this name."""
    return [attempt for attempt in record if attempt.delivery == name]


def alike(record: Sequence[Attempt], fingerprint: str) -> list[Attempt]:
    """The attempts of deliveries with the same bytes."""
    return [attempt for attempt in record if attempt.fingerprint == fingerprint]


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
    chain = _chain(record, in_use)
    left = chain and found[-1] > chain[-1] and found[-1] not in chain
    return -1 if left else found[-1]


def gone_ahead(
    record: Sequence[Attempt], delivery: str, inbox: str, names: Sequence[str], in_use: str | None
) -> str | None:
    """The last of the deliveries of an inbox whose rows a delivery that stands before them would replace.

    They are in the extract in use and no longer in the inbox, so that they can't be added again after it.
    """
    added = (record[place] for place in _chain(record, in_use)[:-1])
    gone = {one.delivery for one in added if one.inbox == inbox} - set(names)
    return max((one for one in gone if one > delivery), default=None)


def _chain(record: Sequence[Attempt], in_use: str | None) -> list[int]:
    """The places of what the extract in use was made of: of itself, of what that was added to, and so on.

    The last is a whole delivery, of which all counts as part that was published before it. Empty where nothing is
    known of the extract in use.
    """
    published = [place for place, one in enumerate(record) if one.result == "published"]
    chain: list[int] = []
    wanted = in_use
    for place in reversed(published):
        if wanted is not None and record[place].extract == wanted:
            chain.append(place)
            wanted = record[place].base
    return chain
