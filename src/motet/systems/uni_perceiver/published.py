"""Fills a Uni-Perceiver from a published release."""

from __future__ import annotations

from collections.abc import Mapping

from motet.core import ConfigError
from motet.nn.pretrained import forms
from motet.nn.pretrained.files import PublishedWeights
from motet.nn.pretrained.release import Release
from motet.systems.uni_perceiver.model import UniPerceiver
from motet.systems.uni_perceiver.weights import load_uni_perceiver


def fill_uni_perceiver(
    system: UniPerceiver, release: Release, *, heads: Mapping[str, str], names: Mapping[str, tuple[str, ...]]
) -> PublishedWeights:
    """Copies the release's weights into a model of the same sizes.

    Args:
        system: filled in place.
        release: a Uni-Perceiver.
        heads: none, since all tasks share all weights.
        names: unused; classes are texts.

    Raises:
        ConfigError: another form, or a head.
    """
    del names
    if heads:
        raise ConfigError(f"heads: got {dict(heads)}; want none, since a Uni-Perceiver has no heads")
    if release.form is not forms.UNI_PERCEIVER:
        raise ConfigError(f"{release.path}: got weights of {release.form.name}; want Uni-Perceiver")
    return load_uni_perceiver(system, release.tensors)
