"""Numbers about a trained system: scores, intervals, floors, and every row's prediction."""

from motet.evaluate.floors import with_floors as with_floors
from motet.evaluate.judging import Progress as Progress
from motet.evaluate.loop import evaluate as evaluate
from motet.evaluate.two_stage import Ranking as Ranking
