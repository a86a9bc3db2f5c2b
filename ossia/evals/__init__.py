"""Evals: datasets, scorers, results that resume, and figures with their error bars."""

from ossia.evals.catalogue import EVALS, find_eval
from ossia.evals.dataset import Dataset, Sample, read_dataset
from ossia.evals.results import Results
from ossia.evals.runner import Eval, Setup, Solve, run_samples
from ossia.evals.statistics import Share, wilson
from ossia.evals.summary import Line, summarize
from ossia.evals.verdict import Status, Verdict, verdict

__all__ = [
    "EVALS",
    "Dataset",
    "Eval",
    "Line",
    "Results",
    "Sample",
    "Setup",
    "Share",
    "Solve",
    "Status",
    "Verdict",
    "find_eval",
    "read_dataset",
    "run_samples",
    "summarize",
    "verdict",
    "wilson",
]
