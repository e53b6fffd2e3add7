"""A model and its processor from the Hub, from a folder, or from the files that a saved system keeps."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from motet.core import ConfigError
from motet.core.hub_access import hub_access
from motet.systems.vlm.config import VlmConfig
from motet.systems.vlm.families import VlmFamily, family_of


@dataclass(frozen=True)
class Loaded:
    """A model of transformers with what belongs to it.

    Args:
        model: with pretrained weights, or random ones where a saved system's follow.
        processor: of transformers: image processor, tokeniser and template.
        family: of the model.
        files: its configuration and processor, by file name, from which both can be built again without weights.
    """

    model: nn.Module
    processor: Any
    family: VlmFamily
    files: Mapping[str, bytes]


def load_vlm(config: VlmConfig, files: Mapping[str, bytes] | None) -> Loaded:
    """Loads a model and its processor; code that comes with a model is never run, and pickled weights are refused.

    Args:
        config: names the model.
        files: of a saved system; None to fetch all of it.

    Raises:
        ConfigError: no network, a model that is no vision-language model, or one without a processor.
    """
    if files is not None:
        with tempfile.TemporaryDirectory() as folder:
            for name, data in files.items():
                (Path(folder) / name).write_bytes(data)
            return _load(folder, "main", f"VlmConfig.model: {config.model}", weights=False)
    where = f"VlmConfig.model: {config.model}"
    try:
        with hub_access(where, "a folder that holds the model", source=config.model):
            return _load(config.model, config.revision, where, weights=True)
    except OSError as error:  # the Hub can be reached, but has no such model or no such revision
        raise ConfigError(f"{where}: got {_line(error)}; want the name of a model on the Hub, or a folder") from error


def _load(source: str, revision: str, where: str, *, weights: bool) -> Loaded:
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor, ProcessorMixin

    try:
        config = AutoConfig.from_pretrained(source, revision=revision)
    except ValueError as error:  # a folder whose config.json has no known model_type
        raise ConfigError(f"{where}: got {_line(error)}; want a vision-language model of transformers") from error
    except OSError as error:
        if Path(source).is_dir():
            raise ConfigError(f"{where}: got no readable config.json; want a saved model") from error
        raise
    family = family_of(config, where)
    try:
        processor = AutoProcessor.from_pretrained(source, revision=revision)
    except (ValueError, OSError, TypeError, AttributeError, ImportError) as error:
        raise ConfigError(
            f"{where}: got no processor ({_line(error)}); want preprocessor and tokeniser files"
        ) from error
    if not isinstance(processor, ProcessorMixin):
        raise ConfigError(f"{where}: got a {type(processor).__name__} alone; want an image processor and a tokeniser")
    if getattr(processor.image_processor, "do_image_splitting", False):
        # Each image is one square of pixels, so that all rows have the same number of image tokens.
        processor.image_processor.do_image_splitting = False
    if weights:
        try:
            model = AutoModelForImageTextToText.from_pretrained(source, revision=revision, use_safetensors=True)
        except OSError as error:
            if not Path(source).is_dir():
                raise
            raise ConfigError(f"{where}: got {_line(error)}; want weights as safetensors") from error
    else:
        model = AutoModelForImageTextToText.from_config(config)
    return Loaded(model.float(), processor, family, _files(config, processor))


def _files(config: Any, processor: Any) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        processor.save_pretrained(folder)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir()) if path.is_file()}


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
