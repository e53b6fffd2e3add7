"""Fills a LiT decoder, or its feed-forward baselines, from releases of big_vision: ViT, SigLIP, PaliGemma, CapPa."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from motet.core import CheckpointError, ConfigError
from motet.nn.encoders import ImageEncoder
from motet.nn.heads import MapHead
from motet.nn.parameter_names import parameter_name
from motet.nn.pretrained import forms
from motet.nn.pretrained.big_vision import linear_state, load_map_head, load_vit, part, vit_arrays
from motet.nn.pretrained.class_rows import rows_of, taken
from motet.nn.pretrained.files import PublishedWeights
from motet.nn.pretrained.release import Release
from motet.nn.vit import ViT
from motet.systems.lit_decoder.decoding import answer_names
from motet.systems.lit_decoder.feedforward import Feedforward, Head
from motet.systems.lit_decoder.model import LiTDecoder
from motet.systems.lit_decoder.weights import load_cappa_decoder

HEAD = "head"
"""The name of the one classifier of a ViT of big_vision."""
_FORMS = (forms.VIT, forms.SIGLIP, forms.PALIGEMMA, forms.CAPPA)
_ENCODER = "tower.encoder."
_DECODER = "params/decoder/"


def fill_lit_decoder(
    system: LiTDecoder, release: Release, *, heads: Mapping[str, str], names: Mapping[str, tuple[str, ...]]
) -> PublishedWeights:
    """Copies the release's image encoder into the model, and of a CapPa its decoder too.

    Args:
        system: filled in place; its encoder is a `PlainViT` or a ViT of timm.
        release: of big_vision.
        heads: none; the decoder writes all answers.
        names: unused; classes are texts.

    Raises:
        ConfigError: a form that has no part of a LiT decoder, or a head.
        CheckpointError: weights of other sizes.
    """
    del names
    if heads:
        raise ConfigError(f"heads: got {dict(heads)}; want none, since a LiT decoder writes its answers")
    _check_form(release, "LiT decoder")
    left = _fill_encoder(system.tower.encoder, release)
    expected = [_ENCODER]
    if release.form is forms.CAPPA:
        arrays = release.arrays
        load_cappa_decoder(system.decoder, part(arrays, _DECODER), arrays["params/pos_embedding_decoder"])
        expected.append("decoder.")
        left = tuple(name for name in left if not name.startswith((_DECODER, "params/pos_embedding_decoder")))
    own = [name for name in system.state_dict() if name.startswith(tuple(expected))]
    drawn = tuple(name for name in own if "special" in name)
    return PublishedWeights(tuple(name for name in own if name not in drawn), left, (), drawn)


def fill_feedforward(
    system: Feedforward, release: Release, *, heads: Mapping[str, str], names: Mapping[str, tuple[str, ...]]
) -> PublishedWeights:
    """Copies the release's image encoder into the model, and its classifier into the head of a task.

    Args:
        system: filled in place.
        release: of big_vision.
        heads: ``{task: "head"}`` for the task that takes the classifier; a task without one keeps its own.
        names: ``{"head": names}``, in the order of the classifier's rows.

    Raises:
        ConfigError: a form that has no image encoder, or a task whose classes the classifier lacks.
        CheckpointError: weights of other sizes.
    """
    _check_form(release, "feed-forward classifier")
    left = _fill_encoder(system.tower.encoder, release)
    loaded = [name for name in system.state_dict() if name.startswith(_ENCODER)]
    for task, head in heads.items():
        if head != HEAD or task not in system.tasks:
            raise ConfigError(f"heads: got {head!r} for task {task!r}; want {HEAD!r} for one of {list(system.tasks)}")
        if HEAD not in names:
            raise ConfigError(f"{HEAD!r} for task {task!r}: got no order of the published classes; want their names")
        key = parameter_name(task)
        own = system.heads[key]
        assert isinstance(own, Head)  # it builds no other
        wanted = answer_names(system.tasks[task])
        _fill_head(own, vit_arrays(release.arrays), names[HEAD], wanted, where=f"{HEAD!r} for task {task!r}")
        loaded += [name for name in system.state_dict() if name.startswith(f"heads.{key}.")]
        left = tuple(name for name in left if not name.removeprefix("params/").startswith(("head/", "MAPHead_0/")))
    return PublishedWeights(tuple(loaded), left, ())


def _check_form(release: Release, kind: str) -> None:
    if release.form not in _FORMS:
        want = ", ".join(form.name for form in _FORMS)
        raise ConfigError(f"{release.path}: got weights of {release.form.name}; want {want} for a {kind}")


def _fill_encoder(encoder: ImageEncoder, release: Release) -> tuple[str, ...]:
    """Fills an encoder and returns the names of the release that no part of it takes."""
    model = getattr(encoder, "model", None)
    ends = "embedding/kernel"
    start = next(name.removesuffix(ends) for name in release.arrays if name == ends or name.endswith(f"/{ends}"))
    outside = tuple(name for name in release.arrays if not name.startswith(start))
    if isinstance(model, ViT):
        return (*(f"{start}{name}" for name in load_vit(model, release.arrays)), *outside)
    if not isinstance(model, nn.Module) or not hasattr(model, "load_pretrained"):
        raise ConfigError(
            f"{release.path}: got an encoder of {type(encoder).__name__}; want PlainViT, or a TimmEncoder with a ViT "
            "that timm reads from such files"
        )
    # timm reads class tokens and fits patches and positions to other sizes; it reads the file again.
    try:
        model.load_pretrained(str(release.path))  # type: ignore[operator]  # timm's, as just checked
    except (RuntimeError, KeyError, AssertionError, ValueError) as error:
        got = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise CheckpointError(f"{release.path}: got {got}; want a ViT of the same sizes as the encoder") from error
    rest = vit_arrays(release.arrays)
    return (*(f"{start}{name}" for name in rest if name.startswith(("head/", "pre_logits/", "MAPHead_0/"))), *outside)


def _fill_head(
    head: Head, arrays: Mapping[str, np.ndarray], known: tuple[str, ...], wanted: tuple[str, ...], *, where: str
) -> None:
    if isinstance(head.pool, MapHead):
        load_map_head(head.pool, part(arrays, "MAPHead_0/"))
    rows = rows_of(known, wanted, where=where)
    state = linear_state(arrays, "head/")
    with torch.no_grad():
        for name, value in state.items():
            own = head.get_parameter(f"classify.out.{name}")
            own.copy_(taken(value, rows, len(known), name=f"head/{name}"))
