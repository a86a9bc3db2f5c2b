"""Recording and replaying what the browser reaches."""

from ossia.tools.browser.record.store import Store
from ossia.tools.browser.record.wrappers import Recorded, RecordedFetcher

__all__ = ["Recorded", "RecordedFetcher", "Store"]
