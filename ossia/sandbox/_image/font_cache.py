"""Build matplotlib's font cache and import everything once: a build whose packages do not load must fail here."""

from importlib import import_module

import_module("matplotlib").use("Agg")
for name in ("mpmath", "networkx", "pandas", "scipy.stats", "sympy", "ipykernel.kernelapp"):
    import_module(name)
plt = import_module("matplotlib.pyplot")
plt.plot([1, 2])
plt.savefig("/dev/null", format="png")
