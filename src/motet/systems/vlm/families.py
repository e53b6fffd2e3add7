"""The families of vision-language models: where each one's vision encoder, connector and language model are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.core import ConfigError
from motet.systems.vlm.box_text import BoxText, JsonBoxes, LocationTokens


@dataclass(frozen=True)
class VlmFamily:
    """The parts of one family's models by their attribute names in transformers.

    The image's features replace the embeddings of as many placeholder tokens, once per image.

    Args:
        vision: the vision encoder.
        connector: from its channels to those of the language model.
        language: the language model without its output layer.
        first_position: position of the first token.
        full_prefix: whether the tokens of the prompt attend to one another in both directions.
        box_text: the form in which boxes are written.
    """

    vision: str
    connector: str
    language: str
    first_position: int = 0
    full_prefix: bool = False
    box_text: BoxText = field(default_factory=JsonBoxes)

    def encode(self, model: nn.Module, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        """Returns the states of the vision encoder that the connector reads."""
        config: Any = model.config
        layer = getattr(config, "vision_feature_layer", None)
        out = self.part(model, self.vision)(pixels, output_hidden_states=layer is not None)
        if layer is None:
            states: Tensor = out.last_hidden_state
            return states
        layers = [layer] if isinstance(layer, int) else layer
        chosen = torch.cat([out.hidden_states[index] for index in layers], dim=-1)
        return chosen[:, 1:] if config.vision_feature_select_strategy == "default" else chosen

    def connect(self, model: nn.Module, features: Float[Tensor, "b n d"]) -> Float[Tensor, "b m w"]:
        """Returns the embeddings of the image's placeholder tokens."""
        embeddings: Tensor = self.part(model, self.connector)(features)
        return embeddings

    def part(self, model: nn.Module, name: str) -> nn.Module:
        """Returns a part of a model by its attribute name."""
        return model.get_submodule(f"model.{name}")


LLAVA = VlmFamily("vision_tower", "multi_modal_projector", "language_model")
PALIGEMMA = VlmFamily(
    "vision_tower",
    "multi_modal_projector",
    "language_model",
    first_position=1,
    full_prefix=True,
    box_text=LocationTokens(),
)
IDEFICS3 = VlmFamily("vision_model", "connector", "text_model")

FAMILIES = {"llava": LLAVA, "paligemma": PALIGEMMA, "idefics3": IDEFICS3, "smolvlm": IDEFICS3}
"""By the model type of transformers. Others cut an image into a number of tokens that depends on its size."""


def family_of(config: Any, where: str) -> VlmFamily:
    """Returns the family of a model by its configuration. Raises ConfigError for a model of another type."""
    family = FAMILIES.get(config.model_type)
    if family is None:
        raise ConfigError(
            f"{where}: got a model of type {config.model_type!r}; want a vision-language model of type "
            f"{', '.join(sorted(FAMILIES))}"
        )
    return family
