"""What leaves the browser: a policy, and the one proxy that holds it."""

from ossia.tools.browser.egress.addresses import is_public
from ossia.tools.browser.egress.dialer import Decision, Dialer, Resolver
from ossia.tools.browser.egress.policy import EgressPolicy, Refused
from ossia.tools.browser.egress.proxy import REFUSED_HEADER, EgressProxy

__all__ = ["REFUSED_HEADER", "Decision", "Dialer", "EgressPolicy", "EgressProxy", "Refused", "Resolver", "is_public"]
