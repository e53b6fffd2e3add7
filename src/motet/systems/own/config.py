"""The configuration of a system around a module of one's own, and `wrap_model`, which makes it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, ClassVar

from motet.core import ConfigError, System, Task
from motet.core.saved_names import saved_name
from motet.nn.encoders import Pixels
from motet.nn.module_source import ModuleSource
from motet.preprocess.crops import Crop, Whole

_MODEL = "motet.systems.own.model:OwnModel"  # imported when it is built, as those of `motet.systems.SYSTEMS`


@dataclass(frozen=True, kw_only=True)
class OwnModelConfig:
    """A multi-task module of one's own as a system; made by `wrap_model`, which says what the fields are."""

    name: ClassVar[str] = "own"

    source: ModuleSource
    pixels: Pixels = field(default_factory=lambda: Pixels((224, 224)))
    tokenize: Callable[..., Any] | None = None
    max_tokens: int = 64
    shared: tuple[str, ...] = ()
    crop: Crop = field(default_factory=Whole)
    hflip: bool = True

    def build(
        self, tasks: Sequence[Task], *, texts: Callable[[], Iterable[str]], assets: Mapping[str, bytes] | None = None
    ) -> System:
        """Builds the system; see `motet.systems.build_system`."""
        del texts
        model: Callable[..., System] = pkgutil.resolve_name(_MODEL)
        return model(self, tasks, fetch=assets is None)


def wrap_model(
    model: Any,
    *,
    size: int | tuple[int, int] = 224,
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5),
    std: tuple[float, float, float] = (0.5, 0.5, 0.5),
    tokenize: Callable[[str], Sequence[int]] | None = None,
    max_tokens: int = 64,
    shared: Sequence[str] = (),
    crop: Crop | None = None,
    hflip: bool = True,
    name: str = "",
    **arguments: Any,
) -> OwnModelConfig:
    """Returns a multi-task module of one's own as a system: it is trained, evaluated, compared and analysed as others.

    The module is called as ``model(inputs, targets)``:

    * ``inputs``: "pixels" (b, 3, h, w) where a task has images, "tokens" (b, t) where one has texts, padded with 0;
    * ``targets``: by task, over all rows of the batch; a row that is not of the task has -100 (a `Label`), NaN in every
      column (a closed `Answer`, whose targets are soft, or a `Score`), or None (a `Text`, whose targets are texts).
      None in place of each task's targets when predicting.

    It returns ``{"outputs": {task: ...}, "losses": {task: ...}}``: scores (b, k) for a `Label` or a closed `Answer`,
    numbers (b,) for a `Score`, a list of texts for a `Text` when predicting. A loss is a mean over the rows of the
    task, or a number per row (b,); a task without one gets the usual loss of its outputs.

    Args:
        model: an `nn.Module`, or a class or a function of a module's top level that builds one; a builder with a
            parameter ``tasks`` gets the tasks by name.
        size: height and width of the images, in pixels.
        mean: subtracted from each channel, whose values are from 0 to 1.
        std: divides each channel.
        tokenize: a function of a module's top level from a text to token ids above 0.
        max_tokens: of a text; longer ones are cut.
        shared: names of its children that all tasks share, shallow to deep, for the interference of tasks; by default
            those that have no task's name in the names of their parameters.
        crop: of training images, for tasks that allow it; the whole image by default.
        hflip: flips training images at random, for tasks that allow it.
        name: of a built module, by which it is handed in again (``parts``); its class by default.
        arguments: of the builder.

    Raises:
        ConfigError: no module, or a builder that cannot be named.
    """
    source = ModuleSource.of(model, arguments, name=name, where="motet.wrap_model")
    if tokenize is not None:
        if not isinstance(tokenize, FunctionType):
            got = type(tokenize).__name__
            raise ConfigError(f"motet.wrap_model: tokenize: got a {got}; want a function of a module's top level")
        saved_name(tokenize)
    size_hw = (size, size) if isinstance(size, int) else (size[0], size[1])
    return OwnModelConfig(
        source=source,
        pixels=Pixels(size_hw, mean, std),
        tokenize=tokenize,
        max_tokens=max_tokens,
        shared=tuple(shared),
        crop=crop if crop is not None else Whole(),
        hflip=hflip,
    )
