"""Reports for people: tables, plots, comparisons with baselines, and one self-contained page per run."""

from motet.report.compare import Comparison as Comparison
from motet.report.compare import compare as compare
from motet.report.compare import delta_m as delta_m
from motet.report.content import Content as Content
from motet.report.content import PredictionCard as PredictionCard
from motet.report.draw.encoding import thumbnail as thumbnail
from motet.report.pages.run import markdown as markdown
from motet.report.pages.run import page as page
from motet.report.pages.run import write_report as write_report
from motet.report.runs import RunRecord as RunRecord
from motet.report.runs import read_log as read_log
from motet.report.runs import read_run as read_run
