"""The vocabulary that readers, tasks, systems, schedules and metrics share; it imports nothing else of motet.

The names of `core.system` are imported when they are first used: a system is a torch module, and a command that only
lists tasks does without torch.
"""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING

from motet.core.attention import AttentionMaps as AttentionMaps
from motet.core.batch import Batch as Batch
from motet.core.batch import Loss as Loss
from motet.core.batch import Losses as Losses
from motet.core.batch import Target as Target
from motet.core.errors import CheckpointError as CheckpointError
from motet.core.errors import ConfigError as ConfigError
from motet.core.errors import DataError as DataError
from motet.core.errors import MetricError as MetricError
from motet.core.errors import MotetError as MotetError
from motet.core.errors import UnsupportedTask as UnsupportedTask
from motet.core.errors import nearest as nearest
from motet.core.example import DiskImage as DiskImage
from motet.core.example import Example as Example
from motet.core.example import ImageFile as ImageFile
from motet.core.example import MemoryImage as MemoryImage
from motet.core.example import Pair as Pair
from motet.core.metric import MeanMetric as MeanMetric
from motet.core.metric import Metric as Metric
from motet.core.panoptic import PanopticMap as PanopticMap
from motet.core.prediction import BoxSet as BoxSet
from motet.core.prediction import ClassPrediction as ClassPrediction
from motet.core.prediction import DenseMap as DenseMap
from motet.core.prediction import Prediction as Prediction
from motet.core.prediction import RankedName as RankedName
from motet.core.prediction import ScalarPrediction as ScalarPrediction
from motet.core.prediction import TextPrediction as TextPrediction
from motet.core.prediction import WordScores as WordScores
from motet.core.reader import Reader as Reader
from motet.core.reader import Sharded as Sharded
from motet.core.report import Report as Report
from motet.core.report import Result as Result
from motet.core.report import decimals as decimals
from motet.core.rng import rng_for as rng_for
from motet.core.rng import seed_for as seed_for
from motet.core.schedule import HasTaskStatus as HasTaskStatus
from motet.core.schedule import Schedule as Schedule
from motet.core.schedule import Step as Step
from motet.core.schedule import UpdateForm as UpdateForm
from motet.core.target import Answer as Answer
from motet.core.target import Boxes as Boxes
from motet.core.target import Dense as Dense
from motet.core.target import Label as Label
from motet.core.target import Masked as Masked
from motet.core.target import Match as Match
from motet.core.target import Panoptic as Panoptic
from motet.core.target import Region as Region
from motet.core.target import Score as Score
from motet.core.target import TargetSpec as TargetSpec
from motet.core.target import Text as Text
from motet.core.task import Task as Task

if _TYPE_CHECKING:
    from motet.core.system import FeatureStore as FeatureStore
    from motet.core.system import Processor as Processor
    from motet.core.system import Side as Side
    from motet.core.system import StoresTexts as StoresTexts
    from motet.core.system import System as System
    from motet.core.system import SystemConfig as SystemConfig
    from motet.core.system import TextStore as TextStore

_OF_SYSTEM = ("FeatureStore", "Processor", "Side", "StoresTexts", "System", "SystemConfig", "TextStore")


def __getattr__(name: str) -> object:
    if name in _OF_SYSTEM:
        return getattr(_importlib.import_module("motet.core.system"), name)
    raise AttributeError(f"module 'motet.core' has no attribute {name!r}")
