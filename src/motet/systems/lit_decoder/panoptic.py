"""Panoptic maps as sequences of codes (section 5.10 and appendix G): UViM's autoencoder beside the decoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from motet.core import Batch, ConfigError, Loss, Panoptic, PanopticMap, Prediction, Target, Task
from motet.nn.panoptic_labels import from_logits, to_panoptic
from motet.nn.parameter_names import parameter_name
from motet.nn.vqvae import LabelVQVAE
from motet.systems.lit_decoder.decoder import DecoderState, TextDecoder
from motet.systems.lit_decoder.options import PanopticCodes
from motet.systems.lit_decoder.sequence import Sequences, codes_block


class MaskCodec(nn.Module):
    """The autoencoder of one task: its labels to codes, and codes to segments.

    Args:
        config: how maps become codes.
        target: the task's classes.
    """

    def __init__(self, config: PanopticCodes, target: Panoptic) -> None:
        super().__init__()
        self.options, self.target = config, target
        kinds = {"semantics": len(target.names) + 1, "instances": config.instances}
        self.model = LabelVQVAE(config.autoencoder, kinds)
        if config.learn == "decoder":
            self.model.requires_grad_(False)

    def train(self, mode: bool = True) -> MaskCodec:
        """Sets the mode; an autoencoder that is not trained stays in eval mode."""
        return super().train(mode and self.options.learn == "codes")

    def losses(self, value: Mapping[str, Tensor], pixels: Tensor | None) -> Float[Tensor, ""]:
        """Returns the sum of the mean cross entropies of classes and instances per pixel.

        Args:
            value: of the task's target, with "semantics" and "instances".
            pixels: of its images.
        """
        return torch.stack(list(self.model.losses(self._labels(value), self._context(pixels)).values())).sum()

    @torch.no_grad()
    def codes(self, value: Mapping[str, Tensor], pixels: Tensor | None) -> Int[Tensor, "r c"]:
        """Returns the codes of annotations; the arguments are those of `losses`."""
        return self.model.encode(self._labels(value), self._context(pixels))

    def segments(
        self, codes: Int[Tensor, "r c"], pixels: Tensor | None, size_hw: Int[Tensor, "r 2"]
    ) -> Sequence[Prediction]:
        """Returns the maps of codes at the sizes of their images.

        Args:
            codes: of rows.
            pixels: of their images.
            size_hw: of the files.
        """
        logits = self.model.maps(self.model.decode(codes, self._context(pixels)))
        found = from_logits(logits, min_fraction=self.options.min_fraction).cpu().numpy()
        maps: list[PanopticMap] = []
        for one, (height, width) in zip(found, size_hw.tolist(), strict=True):
            maps.append(to_panoptic(one, (height, width), self.target.things))
        return maps

    def _labels(self, value: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value[name] for name in self.model.kinds}

    def _context(self, pixels: Tensor | None) -> Tensor | None:
        config = self.options.autoencoder
        if not config.context:
            return None
        if pixels is None:
            raise ConfigError(
                "PanopticCodes.autoencoder.context: got stored features; want pixels (no Run.features), or "
                "context=False"
            )
        return F.interpolate(pixels, (config.size, config.size), mode="bilinear", antialias=True)


class PanopticTasks(nn.ModuleDict):
    """The autoencoders of a system's panoptic tasks, by the tasks' parameter names; empty without such a task.

    Args:
        config: how maps become codes.
        tasks: of the system.
        sequences: lays out tokens.

    Raises:
        ConfigError: a panoptic task without options, or codes that do not fit into a sequence.
    """

    def __init__(self, config: PanopticCodes | None, tasks: Sequence[Task], sequences: Sequences) -> None:
        super().__init__()
        self.sequences, self.of_task = sequences, {task.name: task for task in tasks}
        self.learns_codes = config is not None and config.learn == "codes"
        for task in tasks:
            if not isinstance(task.target, Panoptic):
                continue
            if config is None:
                raise ConfigError(
                    f"LiTDecoderConfig.panoptic: got none; want PanopticCodes(...) for the task {task.name!r}"
                )
            length = config.autoencoder.code_length
            if (least := len(sequences.prefix(task, "")) + length) > sequences.max_tokens:
                raise ConfigError(
                    f"LiTDecoderConfig.max_tokens: got {sequences.max_tokens}; want at least {least}, for the {length} "
                    f"codes of task {task.name!r} behind its prompt"
                )
            self[parameter_name(task.name)] = MaskCodec(config, task.target)

    def losses(self, batch: Batch) -> dict[str, Loss]:
        """Returns the losses of the tasks whose autoencoder is trained, which need no decoder."""
        found: dict[str, Loss] = {}
        for name, target in batch.targets.items() if self.learns_codes else ():
            if self._is_mapped(name):
                mean = self._codec(name).losses(target.value, _pixels(batch, target))
                rows = torch.tensor(float(len(target.rows)), device=mean.device)
                found[name] = Loss(mean * rows, rows)
        return found

    def with_codes(self, name: str, target: Target, batch: Batch) -> Target:
        """Returns a target with the codes of its maps as tokens behind each row's prefix; other targets unchanged.

        Args:
            name: of the task.
            target: of a batch.
            batch: has the images.
        """
        if not self._is_mapped(name):
            return target
        codes = self._codec(name).codes(target.value, _pixels(batch, target))
        place = target.value["prefix"][:, None] + torch.arange(codes.shape[1], device=codes.device)
        tokens = target.value["tokens"].scatter(1, place, self.sequences.first_code(self.of_task[name]) + codes)
        return replace(target, value={**target.value, "tokens": tokens})

    def predict(
        self, name: str, target: Target, batch: Batch, decoder: TextDecoder, state: DecoderState
    ) -> Sequence[Prediction]:
        """Returns maps of generated codes; while the autoencoder is trained, of the annotations' codes.

        Args:
            name: of the task.
            target: of a batch.
            batch: has the images.
            decoder: in eval mode.
            state: of the rows' memories, before any token.
        """
        codec, pixels = self._codec(name), _pixels(batch, target)
        if self.learns_codes:
            codes = codec.codes(target.value, pixels)
        else:
            first = self.sequences.first_code(self.of_task[name])
            length = codec.options.autoencoder.code_length
            codes = generate_codes(decoder, state, target.value, codes_block(name), first, length)
        return codec.segments(codes, pixels, target.value["size_hw"])

    def _is_mapped(self, name: str) -> bool:
        return isinstance(self.of_task[name].target, Panoptic)

    def _codec(self, name: str) -> MaskCodec:
        codec = self[parameter_name(name)]
        assert isinstance(codec, MaskCodec)  # it holds no others
        return codec


def _pixels(batch: Batch, target: Target) -> Tensor | None:
    return batch.inputs["pixels"][target.rows] if "pixels" in batch.inputs else None


@torch.inference_mode()
def generate_codes(
    decoder: TextDecoder, state: DecoderState, value: Mapping[str, Tensor], block: str, first: int, length: int
) -> Int[Tensor, "r c"]:
    """Returns the likeliest code at each place, one after the other, among the codes alone.

    Args:
        decoder: in eval mode.
        state: before any token.
        value: of the target; what follows its prefix is not read.
        block: the name of the codes' block of tokens.
        first: the token of code 0.
        length: number of codes.
    """
    longest = int(value["prefix"].max())
    features, state = decoder.prefill(state, value["tokens"][:, :longest], value["prefix"])
    codes: list[Tensor] = []
    for place in range(length):
        chosen = decoder.pieces.block_logits(block, features).argmax(-1)
        codes.append(chosen)
        if place + 1 < length:
            read, state = decoder.read(state, (first + chosen)[:, None])
            features = read[:, -1]
    return torch.stack(codes, dim=1)
