"""The frozen yardstick: how the items of `ossia/evals/nano/data` were written.

Its phrasings, words, names and pages are its own. No module that makes training rows imports this package, and training
never draws an expression or a word that `nano.numbers` and `nano.vocabulary` keep out; tests hold both.
"""
