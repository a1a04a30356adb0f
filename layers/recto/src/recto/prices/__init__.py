"""The price files that come with Recto, one a region, and their reading: `recto.cost.Prices`."""

from importlib.resources import files

from recto.cost import Prices, parse_prices
from recto.errors import ConfigurationError

SUFFIX = ".json"


def known_regions() -> tuple[str, ...]:
    """The regions that there is a price file for."""
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)))


def prices_of(region: str) -> Prices:
    """List prices of a region; ConfigurationError where there is no file of it."""
    if region not in known_regions():
        raise ConfigurationError(
            f"no price file for region {region!r}, expected one of {', '.join(known_regions())}; "
            "write one like them and give it with --prices FILE"
        )
    name = region + SUFFIX
    return parse_prices(files(__name__).joinpath(name).read_bytes(), name)
