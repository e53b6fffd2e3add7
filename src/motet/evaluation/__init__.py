"""Evaluation of a trained system: metrics, bootstrap intervals, trivial baselines and the prediction of every row."""

from motet.evaluation.evaluate import evaluate as evaluate
from motet.evaluation.readable_rows import left_out_notes as left_out_notes
from motet.evaluation.readable_rows import without_bad_rows as without_bad_rows
from motet.evaluation.task_evaluation import Progress as Progress
from motet.evaluation.trivial.baselines import with_trivial_baselines as with_trivial_baselines
from motet.evaluation.two_stage_retrieval import Ranking as Ranking
