"""A folder of documents, indexed and searched without network."""

from ossia.tools.browser.corpus.corpus import Corpus

__all__ = ["Corpus"]
