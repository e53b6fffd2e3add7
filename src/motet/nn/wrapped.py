"""Any module that gives features, as an image encoder of the systems that take one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.core import ConfigError
from motet.core.saved_names import saved_name
from motet.nn.encoders import ImageEncoder, Pixels
from motet.nn.feature_maps import FeatureMap
from motet.nn.module_source import ModuleSource

_Transform = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class WrappedEncoder:
    """A module of one's own as an encoder; made by `wrap`, which says what the fields are."""

    source: ModuleSource
    size_hw: tuple[int, int]
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    transform: Callable[..., Any] | None = None
    output: str | int | None = None
    channels_last: bool = False
    prefix_tokens: int = 0

    def build(self, *, pretrained: bool) -> ImageEncoder:
        """Builds the encoder; features on a grid, and single vectors, serve systems that need a map as well."""
        where = f"motet.wrap({self.source.name or getattr(self.source.builder, '__qualname__', '')})"
        module = self.source.build(where, pretrained=pretrained)
        features = _Features(module, self, where)
        shape = features.shape(Pixels(self.size_hw, self.mean, self.std))
        return _MapEncoder(features, shape, self) if len(shape) == 4 else _TokenEncoder(features, shape, self)


def wrap(
    module: Any,
    *,
    size: int | tuple[int, int] | None = None,
    mean: tuple[float, float, float] | None = None,
    std: tuple[float, float, float] | None = None,
    transform: Callable[[Tensor], Tensor] | None = None,
    output: str | int | None = None,
    channels_last: bool = False,
    prefix_tokens: int = 0,
    name: str = "",
    **arguments: Any,
) -> WrappedEncoder:
    """Returns a module of one's own as the image encoder of a system: ``replace(small(), encoder=wrap(module, ...))``.

    The module takes pixels (b, 3, h, w) and gives a vector (b, d), tokens (b, n, d) or a map (b, d, h, w) per image.
    The system freezes or trains it, by its ``mode``. Give a class or a function that builds it where you can: then a
    saved model is loaded by its name (``trust``). A built module is handed in again:
    ``motet.load(folder, parts={name: module})``.

    Args:
        module: an `nn.Module`, or a class or a function of a module's top level that builds one.
        size: height and width of its input, in pixels; a timm model says its own.
        mean: subtracted from each channel, whose values are from 0 to 1; a timm model says its own.
        std: divides each channel.
        transform: in place of mean and std, gets pixels (b, 3, h, w) from 0 to 1: any transform of torchvision that
            takes such a tensor. With a builder it must be a function of a module's top level.
        output: the key, attribute or place of the features where the module gives several (``"last_hidden_state"``).
        channels_last: whether a map is (b, h, w, d).
        prefix_tokens: number of first tokens that are no places of the image (a class token), which are dropped.
        name: of a built module; its class by default.
        arguments: of the builder.

    Raises:
        ConfigError: no module, a builder that cannot be named, or a doubt about size and normalisation.

    Examples:
        >>> encoder = wrap(nn.Conv2d(3, 8, 16, stride=16), size=64, mean=(0.5,) * 3, std=(0.5,) * 3)
        >>> built = encoder.build(pretrained=True)
        >>> built.width, built.num_tokens
        (8, 16)
    """
    source = ModuleSource.of(module, arguments, name=name, where="motet.wrap")
    cfg = getattr(module, "pretrained_cfg", None) if isinstance(module, nn.Module) else None
    if isinstance(cfg, Mapping) and transform is None:  # timm
        size = size if size is not None else tuple(cfg["input_size"][1:])
        mean, std = mean or tuple(cfg["mean"]), std or tuple(cfg["std"])
    if size is None:
        raise ConfigError("motet.wrap: size: got none; want the height and width of the module's input: size=224")
    if transform is not None and (mean is not None or std is not None):
        raise ConfigError("motet.wrap: got a transform with mean or std; want one of the two")
    if transform is None and (mean is None or std is None):
        raise ConfigError(
            "motet.wrap: mean and std: got none; want those of the module's training, such as mean=(0.485, 0.456, "
            "0.406), std=(0.229, 0.224, 0.225), or a transform"
        )
    size_hw = (size, size) if isinstance(size, int) else (size[0], size[1])
    given: dict[str, Any] = {} if transform is not None else {"mean": mean, "std": std}
    if transform is not None and source.module is not None:
        transformed = _Transformed(source.module, transform)
        source = ModuleSource.of(transformed, {}, name=source.name, where="motet.wrap")
    elif transform is not None:
        if not isinstance(transform, FunctionType):
            got = type(transform).__name__
            raise ConfigError(
                f"motet.wrap: transform: got a {got} with a builder; want a function of a module's top level, which a "
                "saved model can name"
            )
        saved_name(transform)
        given["transform"] = transform
    return WrappedEncoder(
        source=source, size_hw=size_hw, output=output, channels_last=channels_last, prefix_tokens=prefix_tokens, **given
    )


class _Transformed(nn.Module):
    """A module with the transform of its input."""

    def __init__(self, module: nn.Module, transform: _Transform) -> None:
        super().__init__()
        self.module = module
        self.transform = (transform,)  # in a tuple: a transform that is a module has no weights of the encoder

    def forward(self, pixels: Tensor) -> Any:
        return self.module(self.transform[0](pixels))


class _Features(nn.Module):
    """A module's features in one form: (b, n, d), or (b, d, h, w) where they are places of the image."""

    def __init__(self, module: nn.Module, config: WrappedEncoder, where: str) -> None:
        super().__init__()
        self.module, self.config, self.where = module, config, where

    def shape(self, pixels: Pixels) -> tuple[int, ...]:
        """Returns the shape of one image's features. Raises ConfigError where the module gives none."""
        modes = [(part, part.training) for part in self.module.modules()]
        try:
            with torch.no_grad():
                self.module.eval()
                return tuple(self(torch.zeros(1, 3, *pixels.size_hw)).shape)
        except (TypeError, ValueError, RuntimeError, LookupError, AttributeError) as error:
            if isinstance(error, ConfigError):
                raise
            got = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            raise ConfigError(f"{self.where}: for pixels (1, 3, {pixels.size_hw[0]}, {pixels.size_hw[1]}): got {got}; "
                              "want features") from error  # fmt: skip
        finally:
            for part, training in modes:
                part.training = training

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Tensor:
        if self.config.transform is not None:
            pixels = self.config.transform(pixels)
        features = self._chosen(self.module(pixels))
        if features.ndim == 2:
            return features[:, :, None, None]
        if features.ndim == 4:
            return features.permute(0, 3, 1, 2) if self.config.channels_last else features
        tokens = features[:, self.config.prefix_tokens :]
        side = round(tokens.shape[1] ** 0.5)
        if side * side != tokens.shape[1] or pixels.shape[2] != pixels.shape[3]:
            return tokens
        return tokens.transpose(1, 2).reshape(len(tokens), tokens.shape[2], side, side)

    def _chosen(self, found: Any) -> Tensor:
        key = self.config.output
        if key is not None:
            found = getattr(found, key) if isinstance(key, str) and hasattr(found, key) else found[key]
        if not isinstance(found, Tensor) or found.ndim not in (2, 3, 4):
            got = f"a tensor {tuple(found.shape)}" if isinstance(found, Tensor) else _described(found)
            raise ConfigError(f"{self.where}: got {got}; want (b, d), (b, n, d) or (b, d, h, w), chosen by output=")
        return found


def _described(found: Any) -> str:
    keys = list(found) if isinstance(found, Mapping) else []
    return f"a {type(found).__name__}" + (f" with {', '.join(map(str, keys))}" if keys else "")


class _TokenEncoder(ImageEncoder):
    """Tokens without a grid."""

    def __init__(self, features: _Features, shape: tuple[int, ...], config: WrappedEncoder) -> None:
        super().__init__()
        self.features, self.pixels = features, Pixels(config.size_hw, config.mean, config.std)
        self.num_tokens, self.width = shape[1:]

    def forward(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        tokens: Tensor = self.features(pixels)
        return tokens


class _MapEncoder(FeatureMap):
    """Features on a grid; a vector is a grid of one place."""

    def __init__(self, features: _Features, shape: tuple[int, ...], config: WrappedEncoder) -> None:
        super().__init__()
        self.features, self.pixels = features, Pixels(config.size_hw, config.mean, config.std)
        self.width, self.num_tokens = shape[1], shape[2] * shape[3]
        self.stride = -(-config.size_hw[0] // shape[2])

    def map(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b c i j"]:
        grid: Tensor = self.features(pixels)
        return grid
