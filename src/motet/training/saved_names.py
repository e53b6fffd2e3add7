"""The tables of everything that a saved model or run may name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from motet import losses, scenes
from motet.core.saved_names import SavedNames
from motet.core.task import Task
from motet.data.annotations import AnnotationSubset, RemappedClasses
from motet.data.caption_rows import CaptionRows
from motet.data.composed_rows import ComposedRows
from motet.data.distillation import TeacherLabels
from motet.data.formats.regions import Hdf5Regions, LmdbRegions, NpzRegions, TsvRegions
from motet.data.formats.video_rows import RandomFrames
from motet.data.joined_lines import JoinedLines
from motet.data.negatives import FourWay, HardNegativePool, RandomCaptions, thumbnail_feature
from motet.data.normalised_answers import NormalisedAnswers
from motet.data.readers import READERS
from motet.data.schedules import SCHEDULES
from motet.data.splits import ConcatRows, ImageSplit, OnlyImages, Subset, WithoutImages
from motet.metrics import METRICS
from motet.metrics.vqa_words import vocabulary_answer
from motet.nn.wrapped import WrappedEncoder
from motet.preprocess.clip_tokenizer import ClipTokenizer
from motet.systems import SYSTEMS
from motet.systems.own.config import OwnModelConfig
from motet.training.balancers import BALANCERS
from motet.training.balancers.measured import MeasuredAffinity
from motet.training.lite0_teacher import Lite0Teacher
from motet.training.run import Run

LOSSES = (
    losses.absolute_error,
    losses.balanced_l1,
    losses.BerHu,
    losses.berhu,
    losses.cross_entropy,
    losses.dense_cross_entropy,
    losses.dense_l1,
    losses.rotate_loss,
    losses.soft_answers,
)
READERS_OF_READERS = (
    Subset,
    ImageSplit,
    ConcatRows,
    OnlyImages,
    WithoutImages,
    ComposedRows,
    CaptionRows,
    NormalisedAnswers,
    JoinedLines,
    AnnotationSubset,
    RemappedClasses,
    TeacherLabels,
    Lite0Teacher,
)
COMPOSE = (FourWay, RandomCaptions, HardNegativePool, RandomFrames, thumbnail_feature, scenes.FreshQuestions)
SCENES = (
    scenes.Scenes,
    scenes.SceneVideos,
    scenes.SceneChoices,
    scenes.SceneDialogs,
    scenes.SceneReferring,
    scenes.SceneSentences,
    scenes.SceneStatements,
    scenes.ScenePairs,
    scenes.SceneBoxes,
)
TOKENIZERS = (ClipTokenizer,)
ANSWER_FORMS = (vocabulary_answer,)
OWN_MODULES = (WrappedEncoder, OwnModelConfig)
REGIONS = (Hdf5Regions, LmdbRegions, NpzRegions, TsvRegions)


def saved_names(trust: Sequence[str] = (), files: Mapping[str, str] | None = None) -> SavedNames:
    """Returns the names of all parts of motet that a saved model or run may have.

    Args:
        trust: packages, modules or .py files of the user's that may be imported.
        files: the file that each module outside motet came from, where it is recorded.
    """
    return SavedNames.of(_parts(), trust=trust, files=files)


@cache
def _parts() -> tuple[Any, ...]:
    tables = (
        (Task, Run),
        METRICS.values(),
        LOSSES,
        SYSTEMS,
        READERS.values(),
        READERS_OF_READERS,
        COMPOSE,
        SCENES,
        ANSWER_FORMS,
        REGIONS,
        OWN_MODULES,
        TOKENIZERS,
        SCHEDULES.values(),
        (*BALANCERS.values(), MeasuredAffinity),
    )
    return tuple(dict.fromkeys(part for table in tables for part in table))
