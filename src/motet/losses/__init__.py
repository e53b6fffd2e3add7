"""Losses of predictions in the task's own space; each returns a sum and its weight."""

from motet.losses.answers import absolute_error as absolute_error
from motet.losses.answers import candidates_loss as candidates_loss
from motet.losses.answers import cross_entropy as cross_entropy
from motet.losses.answers import row_count as row_count
from motet.losses.answers import soft_answer_targets as soft_answer_targets
from motet.losses.answers import soft_answers as soft_answers
from motet.losses.answers import soft_cross_entropy as soft_cross_entropy
from motet.losses.answers import soft_score as soft_score
from motet.losses.default import TaskLoss as TaskLoss
from motet.losses.default import default_for as default_for
from motet.losses.dense import BerHu as BerHu
from motet.losses.dense import Over as Over
from motet.losses.dense import WeightedCrossEntropy as WeightedCrossEntropy
from motet.losses.dense import balanced_l1 as balanced_l1
from motet.losses.dense import berhu as berhu
from motet.losses.dense import dense_cross_entropy as dense_cross_entropy
from motet.losses.dense import dense_l1 as dense_l1
from motet.losses.dense import rotate_loss as rotate_loss
