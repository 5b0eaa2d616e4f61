"""What a test chooses of an extract."""

from dashboard import filters
from dashboard.exports import scope_of


def asked(reader, **parameters):
    """Filters by their names in an address; a name that Python keeps for itself ends with an underscore."""
    return filters.parse({k.rstrip("_"): [v] for k, v in parameters.items()}, scope_of(reader))
