"""Published releases as models: configuration, tasks and files of each form, read off its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from motet.core import ConfigError
from motet.nn.pretrained import forms
from motet.nn.pretrained.release import Release
from motet.recipes.published.big_vision import cappa_model, vit_model
from motet.recipes.published.detr import detr_model
from motet.recipes.published.mmf_unit import mmf_unit_model
from motet.recipes.published.model import ExtraFiles, PublishedModel
from motet.recipes.published.uni_perceiver import uni_perceiver_model
from motet.recipes.published.vilbert import vilbert_model

MODELS: Mapping[forms.WeightForm, Callable[[Release, ExtraFiles], PublishedModel]] = {
    forms.DETR: detr_model,
    forms.HF_DETR: detr_model,
    forms.MMF_UNIT: mmf_unit_model,
    forms.VILBERT: vilbert_model,
    forms.UNI_PERCEIVER: uni_perceiver_model,
    forms.CAPPA: cappa_model,
    forms.VIT: vit_model,
}
"""What makes a whole model of each form."""


def published_model(release: Release, given: ExtraFiles) -> PublishedModel:
    """Returns the model that a release is, before it is built and filled.

    Args:
        release: see `motet.nn.pretrained.release.open_release`.
        given: files that are not part of the release.

    Raises:
        ConfigError: an encoder alone, which answers nothing, or a file that has to be given.
        CheckpointError: weights that contradict each other.
    """
    if release.form not in MODELS:
        raise ConfigError(
            f"{release.path}: got {release.form.name}, of which only an encoder is used, and that answers nothing by "
            "itself; want --into RECIPE, or Run.start=Published(...), to begin the training of a model with it"
        )
    return MODELS[release.form](release, given)
