"""The words of the yardstick: its own lists, of which only those stay that training never draws."""

import random

from nano.vocabulary import kept_out

_STEMS = (
    *("thorn", "wick", "brack", "glen", "stow", "hurst", "combe", "fell", "garth", "holm", "keld", "mere", "ness"),
    *("raith", "skerr", "tarn", "wold", "yarrow", "birch", "crag", "drum", "esk", "frith", "grim", "hazel", "ivel"),
)
_TAILS = (
    *("by", "ford", "ham", "ley", "mouth", "shaw", "stead", "thorpe", "ton", "ward", "worth", "gate", "dale", "cote"),
    *("bury", "field", "wich", "burn", "den", "beck"),
)
_NOUNS = (
    *("humidity", "altitude", "harvest", "tariff", "curfew", "timetable", "headcount", "warranty", "toll", "pollen"),
    *("rainfall", "depth", "pulse", "tonnage", "vintage", "wattage", "rent", "quorum", "visibility", "salinity"),
    *("fare", "dosage", "tide", "postcode", "callsign", "voltage", "mileage", "yield", "horsepower", "ranking"),
    *("attendance", "budget", "deadline", "backlog", "overtime", "allergens", "calories", "dividend", "premium"),
    *("recipe", "anthem", "emblem", "motto", "patron", "sheriff", "abbot", "curator", "warden", "architect"),
    *("brewer", "cantor", "dean", "engraver", "ferryman", "gardener", "harbour", "inn", "quarry", "lighthouse"),
    *("market", "orchard", "chapel", "aqueduct", "windmill", "archive", "bakery", "cinema", "ferry", "garrison"),
    *("hospital", "jetty", "kiln", "library", "monument", "observatory", "prison", "railway", "stadium", "theatre"),
    *("university", "viaduct", "weir", "zoo", "festival", "dialect", "cuisine", "flag", "treaty", "charter"),
    *("bishop", "governor", "surveyor", "treasurer", "poet", "composer", "sculptor", "champion", "rival", "founder"),
    *("temperature", "speed", "price", "weight", "width", "length", "population", "area", "mayor", "river"),
    *("colour", "currency", "discount", "balance", "inventory", "shipment", "invoice", "schedule", "forecast"),
    *("density", "radius", "frequency", "pressure", "latitude", "longitude", "elevation", "capacity", "occupancy"),
    *("inspector", "librarian", "mason", "pilot", "ranger", "skipper", "tailor", "weaver", "physician", "editor"),
)
_THINGS = (
    *("town", "station", "vessel", "warehouse", "garden", "bridge", "clinic", "village", "reactor", "island", "tunnel"),
    *("canal", "farm", "mine", "museum", "airfield", "reservoir", "vineyard", "workshop", "glacier", "harbour"),
    *("district", "hotel", "school", "tower", "forest", "valley", "castle", "factory", "machine", "parcel", "student"),
)
_PLAIN = (
    *("lantern", "saddle", "pebble", "thimble", "walnut", "candle", "anchor", "blanket", "cabbage", "dragon", "engine"),
    *("feather", "giraffe", "hammer", "island", "jacket", "kettle", "lobster", "magnet", "needle", "octopus", "pepper"),
    *("quiver", "rabbit", "scissors", "turnip", "umbrella", "violin", "whistle", "yogurt", "zebra", "strawberry"),
    *("mushroom", "butterfly", "telescope", "marmalade", "crocodile", "parliament", "wheelbarrow", "hedgehog"),
    *("accordion", "bassoon", "chandelier", "dandelion", "espresso", "flamingo", "gondola", "hurricane", "igloo"),
    *("jellyfish", "kangaroo", "lavender", "mandolin", "nightingale", "orchestra", "porcupine", "raspberry"),
)


def _own(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({word for word in words if kept_out(word)}))


NOUNS = _own(_NOUNS)
"""What is asked for: attributes of things."""
THINGS = _own(_THINGS)
PLAIN = _own(_PLAIN)
"""Words for questions about a word."""
NAMES = _own(tuple(f"{stem}{tail}" for stem in _STEMS for tail in _TAILS))
"""Names of places and people, in lower case."""


def name(rng: random.Random) -> str:
    """One name, or two."""
    return " ".join(part.capitalize() for part in rng.sample(NAMES, rng.choice((1, 1, 2))))
