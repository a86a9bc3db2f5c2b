"""Chromium, contained, for pages that their scripts write."""

from ossia.tools.browser.chromium.host import ChromiumHost
from ossia.tools.browser.chromium.image import build_image
from ossia.tools.browser.chromium.renderer import Renderer

__all__ = ["ChromiumHost", "Renderer", "build_image"]
