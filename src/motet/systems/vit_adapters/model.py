"""ViT adapters: a frozen trunk, adapters that read task affinities, one decoder per task (section 3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from motet.core import (
    Batch,
    Dense,
    Label,
    Loss,
    Losses,
    Prediction,
    System,
    Target,
    Task,
    UnsupportedTask,
)
from motet.core.system import optimizer_groups
from motet.nn.lora import LoRA, add_adapters
from motet.nn.parameter_names import parameter_name
from motet.nn.tower import Finetune, FromScratch, Frozen, digest_of
from motet.preprocess.images import ImageTransform
from motet.systems.base import ImageInputs
from motet.systems.vit_adapters import troa
from motet.systems.vit_adapters.affinity_estimate import AffinityEstimate
from motet.systems.vit_adapters.answers import predictions, task_loss
from motet.systems.vit_adapters.config import ViTAdaptersConfig
from motet.systems.vit_adapters.decoder import SwinUnetDecoder, dense_head, start_alike
from motet.systems.vit_adapters.depth import to_metres
from motet.systems.vit_adapters.domains import Discriminators, adversarial_losses
from motet.systems.vit_adapters.encoder import AdaptedTrunk, TrunkFeatures, TrunkState, adapted_blocks
from motet.systems.vit_adapters.linear_maps import LinearMaps
from motet.systems.vit_adapters.options import FixedAffinities, Troa
from motet.systems.vit_adapters.processor import ViTAdaptersProcessor
from motet.systems.vit_adapters.targets import check_supported
from motet.systems.vit_adapters.trunk_adapters import TrunkAdapters
from motet.systems.vit_adapters.trunks import build_trunk

# Beside biases and norms, as in Swin's own code.
WITHOUT_DECAY = ("relative_position_bias_table", "logit_scale", "cpb_mlp", "pos_embed", "cls_token")


class ViTAdapters(System):
    """Dense tasks on one frozen trunk.

    Source: Bhattacharjee, Suesstrunk and Salzmann, "Vision Transformer Adapters for Generalizable Multitask Learning",
    ICCV 2023, section 3.

    Args:
        config: its options.
        tasks: in order.
        fetch: whether pretrained weights are fetched; a restored model brings its own.

    Raises:
        UnsupportedTask: a task that it does not support, or a trunk of an unknown family.
        ConfigError: options that do not fit the trunk or the tasks.
    """

    mixes: ClassVar[bool] = True
    tasks_per_row: ClassVar[Literal["one", "many"]] = "many"
    config: ViTAdaptersConfig
    processor: ViTAdaptersProcessor
    affinities: Tensor
    order: Tensor

    def __init__(self, config: ViTAdaptersConfig, tasks: Sequence[Task], *, fetch: bool) -> None:
        super().__init__()
        for task in tasks:
            check_supported(task)
        self.config, self.tasks = config, {task.name: task for task in tasks}
        scratch = isinstance(config.mode, FromScratch)
        self.trunk = build_trunk(config.trunk, pretrained=fetch and config.trunk.pretrained and not scratch)
        if isinstance(config.mode, LoRA):
            add_adapters(self.trunk, config.mode)
        self.norm = nn.LayerNorm(self.trunk.stages[-1].width)
        adapted = () if config.adapters is None else adapted_blocks(self.trunk, config.adapters)
        self.adapters = (
            None if config.adapters is None else TrunkAdapters(self.trunk, config.adapters, list(self.tasks), adapted)
        )
        at_end = config.decoder.skips == "end"
        self.encoder = AdaptedTrunk(self.trunk, self.adapters, self.norm, adapted, skips_at_end=at_end)
        pixels = self.trunk.pixels
        size_hw = pixels.size_hw
        dense = [task.name for task in tasks if isinstance(task.target, Dense)]
        self.decoders = nn.ModuleDict(
            {parameter_name(name): SwinUnetDecoder(config.decoder, self.trunk.levels, size_hw) for name in dense}
        )
        self.heads = nn.ModuleDict({parameter_name(task.name): self._head(task) for task in tasks})
        self.linear = self._build_linear(fetch=fetch)
        if config.decoder.start == "alike":
            start_alike(list(self.decoders.values()))
            start_alike([self.heads[parameter_name(name)] for name in dense])
        self.register_buffer("affinities", troa.initial_affinities(config.affinities, len(tasks)))
        self.affinity_estimate = (
            AffinityEstimate(config.affinities, len(tasks)) if isinstance(config.affinities, Troa) else None
        )
        self.register_buffer("order", torch.arange(len(tasks)).repeat(len(tasks), 1))
        self.discriminators = None if config.adapt is None else Discriminators(tasks, config.adapt, size_hw=size_hw)
        self.loss_terms = {} if self.discriminators is None else dict(self.discriminators.terms)
        transform = ImageTransform(size_hw, pixels.mean, pixels.std, config.crop, config.hflip, config.antialias)
        self.processor = ViTAdaptersProcessor(
            ImageInputs(transform=transform),
            adapting=config.adapt is not None,
            scale_depth=config.scale_depth,
        )
        if isinstance(config.mode, Frozen):
            self.encoder.freeze(config.unfrozen)
        self.encoder.freeze_replaced_norms()
        self.train()

    def encode(self, pixels: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n d"]:
        """Runs the frozen trunk up to the first adapted block; returns all maps that are read later, as one tensor."""
        return self.encoder.pack(self.encoder.run_shared(pixels))

    def losses(self, batch: Batch) -> Losses:
        """Returns each task's loss over its rows; rows of the target domain add adversarial terms."""
        state, domain = self._shared_state(batch), batch.inputs.get("domain")
        places = self._places(batch)
        all_scores: dict[str, Tensor] = {}
        if self.discriminators is not None and domain is not None:
            all_scores = {name: self.scores(name, state, None, places) for name in self.discriminators.specs}
        losses: dict[str, Loss] = {}
        for name, target in batch.targets.items():
            adapted = all_scores.get(name)
            scores = self.scores(name, state, target.rows, places) if adapted is None else adapted[target.rows]
            losses[name] = self._loss(name, scores, target)
        terms = {}
        if self.discriminators is not None and domain is not None:
            terms = adversarial_losses(self.discriminators, self._in_metres(all_scores), domain)
        return Losses(losses, aux=self._affinity_log(), terms=terms)

    def scores(
        self, name: str, state: TrunkState, rows: Tensor | None = None, places: Float[Tensor, "b i j c"] | None = None
    ) -> Tensor:
        """Returns the output of a task's head: (r, channels, h, w) of a map, (r, classes) of a class.

        Args:
            name: the task.
            state: the shared state of the whole batch.
            rows: rows of the batch; None for all.
            places: features of the frozen map, of the whole batch; None without one.
        """
        chosen = state if rows is None else state.rows(rows)
        scores = self._decode(name, self.encoder.run_task(chosen, self.condition(name)))
        return self._add_linear(name, scores, places if places is None or rows is None else places[rows])

    @torch.inference_mode()
    def predict(self, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        """Returns a DenseMap of the image file's size, or a ClassPrediction, per task and row."""
        state, places = self._shared_state(batch), self._places(batch)
        return {name: self._predictions(name, state, target, places) for name, target in batch.targets.items()}

    def condition(self, name: str) -> Float[Tensor, "1 k"] | None:
        """Returns the condition that adapters read: the tasks' embeddings, averaged by the task's affinities.

            c_t = sum over n of w[t, n] E[n]

        It is None without adapters.

        Source: section 3.2.2, where modulation "performs weighted averaging of the task representations with respect to
        the task affinity weights". The official code has the task's own embedding, which is this with one-hot w.
        """
        if self.adapters is None:
            return None
        embeddings = torch.stack([self.adapters.embeddings[parameter_name(other)] for other in self.tasks])
        row = self._read_affinities()[list(self.tasks).index(name)]
        return (row.to(embeddings.dtype) @ embeddings)[None]

    def refresh(self, batches: Sequence[Batch], step: int) -> None:
        """Updates the affinities every `Troa.every` steps, from the gradients of the last `Troa.batches` of these.

        Source: algorithm 1; its "few steps of Adam" are the steps of training since the last update.
        """
        if self.discriminators is not None:
            self.discriminators.refresh()
        options, estimate = self.config.affinities, self.affinity_estimate
        if not isinstance(options, Troa) or estimate is None or not options.reads_gradients(step):
            return
        was_training = self.training
        self.eval()
        products = self.gradient_products(batches)
        self.train(was_training)
        with torch.no_grad():
            estimate.add(*troa.gradient_cosines(products))
            if not options.is_due(step):
                return
            self.affinities.copy_(estimate.updated(self.affinities))
            if options.shuffled:
                self.order.copy_(troa.random_order(len(self.tasks), step))

    def gradient_products(self, batches: Sequence[Batch]) -> Float[Tensor, "n n"]:
        """Returns the products of every two tasks' gradients, added over batches and ranks; every rank calls it."""
        options = self.config.affinities
        if isinstance(options, Troa) and options.gradients == "activations":
            products = torch.zeros_like(self.affinities)
            for batch in batches:
                gradients = self._activation_gradients(batch)
                products += gradients @ gradients.T
            return troa.sum_over_ranks(products)
        shared = self._shared_parameters()
        gradients = self.affinities.new_zeros(len(self.tasks), sum(p.numel() for p in shared))
        for batch in batches:
            state, places = self._shared_state(batch), self._places(batch)
            for name, target in batch.targets.items():
                loss = self._loss(name, self.scores(name, state, target.rows, places), target)
                parts = torch.autograd.grad(loss.total, shared, materialize_grads=True)
                gradients[list(self.tasks).index(name)] += torch.cat([part.flatten() for part in parts])
        gradients = troa.sum_over_ranks(gradients)
        return gradients @ gradients.T

    def parameter_groups(self) -> Sequence[Mapping[str, Any]]:
        """Returns the groups of trunk, adapters, discriminators and the rest; in each, kernels decay."""
        mode, adapters, adapt = self.config.mode, self.config.adapters, self.config.adapt
        lr_scales = {
            "rest": 1.0,
            "trunk": mode.lr_scale if isinstance(mode, Finetune | LoRA) else 1.0,
            "adapters": 1.0 if adapters is None else adapters.lr_scale,
            "discriminators": 1.0 if adapt is None else adapt.lr_scale,
        }

        def part_of(name: str) -> str:
            part = name.split(".")[0]
            return part if part in lr_scales else "rest"

        def decays(name: str, parameter: nn.Parameter) -> bool:
            if part_of(name) == "discriminators" or any(word in name for word in WITHOUT_DECAY):
                return False
            return parameter.ndim > 1

        return optimizer_groups(self, part_of, lr_scales, decays)

    def shared_blocks(self) -> Mapping[str, Sequence[nn.Parameter]]:
        """See `AdaptedTrunk.trained_blocks`; with one-hot affinities each task reads its own embedding alone."""
        if len(self.tasks) < 2:
            return {}
        return self.encoder.trained_blocks(embeddings=self.config.affinities != FixedAffinities("one-hot"))

    def answer_weights(self, task: str) -> tuple[str, ...]:
        return (f"heads.{parameter_name(task)}.", f"linear.heads.{parameter_name(task)}.")

    def started(self, taken: Collection[str]) -> None:
        if self.adapters is not None:
            self.adapters.copy_norms(self.trunk, {name.removeprefix("adapters.") for name in taken})

    def pretrained_map(self) -> Callable[[Tensor], Tensor] | None:
        return None if self.linear is None else self.linear.features

    def linear_maps(self) -> Mapping[str, nn.Linear]:
        heads = {} if self.linear is None else dict(self.linear.heads.items())
        found = {name: heads.get(parameter_name(name)) for name in self.tasks}
        return {name: head for name, head in found.items() if isinstance(head, nn.Linear)}

    def encoder_key(self) -> str | None:
        if not isinstance(self.config.mode, Frozen) or self.config.unfrozen or self.linear is not None:
            return None  # `linear` reads pixels
        encoder = self.encoder
        features = (self.config.trunk, encoder.num_shared, len(encoder.early_bottlenecks), encoder.skips_at_end)
        return digest_of(features, self.trunk)

    def task_weights(self) -> Mapping[str, float]:
        """Returns the column sums of the affinities: how much all tasks together take from one; 1 where all are equal.

        Source: section 3.2.1, where task t is trained on sum over n of w[t, n] L[n]; one network serves all t, so
        their objectives are added. They are scaled as in TAWT's code, so that equal weights are ones.
        """
        options = self.config.affinities
        if isinstance(options, Troa) and not options.weigh_losses:
            return super().task_weights()
        return dict(zip(self.tasks, self._read_affinities().sum(0).tolist(), strict=True))

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        if isinstance(self.config.mode, Frozen):
            self.trunk.eval()
        return self

    def _shared_state(self, batch: Batch) -> TrunkState:
        if "features" in batch.inputs:
            return self.encoder.unpack(batch.inputs["features"].to(self.norm.weight.dtype))
        return self.encoder.run_shared(batch.inputs["pixels"])

    def _add_linear(self, name: str, scores: Tensor, places: Float[Tensor, "r i j c"] | None) -> Tensor:
        """Returns the scores of some rows with the linear ones added, for a map beside a frozen map."""
        if places is None or self.linear is None or parameter_name(name) not in self.linear.heads:
            return scores
        return scores.float() + self.linear.scores(name, places)

    def _places(self, batch: Batch) -> Float[Tensor, "b i j c"] | None:
        return None if self.linear is None else self.linear.features(batch.inputs["pixels"])

    def _predictions(
        self, name: str, state: TrunkState, target: Target, places: Float[Tensor, "b i j c"] | None
    ) -> list[Prediction]:
        scores = self.scores(name, state, target.rows, places)
        config = self.config
        return predictions(self.tasks[name], scores, target, scale_depth=config.scale_depth, depth=config.depth)

    def _decode(self, name: str, features: TrunkFeatures) -> Tensor:
        head = self.heads[parameter_name(name)]
        if isinstance(self.tasks[name].target, Label):
            scores: Tensor = head(features.last.mean((1, 2)))
            return scores
        maps: Tensor = head(self.decoders[parameter_name(name)](features))
        return maps.permute(0, 3, 1, 2)

    def _loss(self, name: str, scores: Tensor, target: Target) -> Loss:
        return task_loss(self.tasks[name], scores, target.value, self.config.depth)

    def _in_metres(self, scores: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Returns scores with those of inverse or logarithmic depth as metres, which discriminators read."""
        depth = self.config.depth
        if self.discriminators is None or depth.unit == "metre":
            return dict(scores)
        units = {name: spec.unit for name, spec in self.discriminators.specs.items()}
        return {name: to_metres(one, depth) if units[name] == "metre" else one for name, one in scores.items()}

    def _head(self, task: Task) -> nn.Module:
        match task.target:
            case Label(names):
                return nn.Linear(self.trunk.levels[-1].width, len(names))
            case Dense() as spec:
                return dense_head(self.config.decoder, self.trunk.levels, spec)
            case other:
                raise UnsupportedTask(f"task {task.name!r}: got {type(other).__name__}; want a Label or a Dense")

    def _build_linear(self, *, fetch: bool) -> LinearMaps | None:
        """Builds the linear scores of dense tasks, and starts the decoders' heads at 0 beside them."""
        if self.config.linear is None:
            return None
        channels = {name: task.target.channels for name, task in self.tasks.items() if isinstance(task.target, Dense)}
        for name in channels:
            head = self.heads[parameter_name(name)]
            assert isinstance(head, nn.Linear)
            nn.init.zeros_(head.weight)
        return LinearMaps(self.config.linear, channels, self.trunk.pixels, fetch=fetch)

    def _read_affinities(self) -> Float[Tensor, "n n"]:
        return self.affinities.gather(1, self.order)

    def _shared_parameters(self) -> list[nn.Parameter]:
        """Returns the adapter parameters that tasks share: all but the embeddings, of which each task has one."""
        named = [] if self.adapters is None else list(self.adapters.named_parameters())
        return [p for name, p in named if p.requires_grad and not name.startswith("embeddings.")] + [
            *self.norm.parameters()
        ]

    def _activation_gradients(self, batch: Batch) -> Float[Tensor, "n p"]:
        """Returns each task's gradient by the last map that its decoder reads, 0 in rows without a target of it."""
        state, places = self._shared_state(batch), self._places(batch)
        gradients: list[Tensor] = []
        for name in self.tasks:
            target = batch.targets.get(name)
            chosen = state if target is None else state.rows(target.rows)
            features = self.encoder.run_task(chosen, self.condition(name))
            last = features.last.detach().requires_grad_()
            whole = last.new_zeros(len(batch), *last.shape[1:])
            if target is not None:
                scores = self._decode(name, TrunkFeatures(tuple(m.detach() for m in features.skips), last))
                scores = self._add_linear(name, scores, None if places is None else places[target.rows])
                (by_map,) = torch.autograd.grad(self._loss(name, scores, target).total, last)
                whole[target.rows] = by_map
            gradients.append(whole.flatten())
        return torch.stack(gradients)

    def _affinity_log(self) -> dict[str, Tensor]:
        """Returns the affinities for the log, by a name per pair of tasks."""
        if isinstance(self.config.affinities, FixedAffinities):
            return {}
        pairs = [(i, j, f"{to}/{of}") for i, to in enumerate(self.tasks) for j, of in enumerate(self.tasks)]
        log = {f"affinity/{name}": self.affinities[i, j] for i, j, name in pairs}
        if self.affinity_estimate is not None and self.affinity_estimate.options.batches > 1:
            log |= {f"affinity_spread/{name}": self.affinity_estimate.spread[i, j] for i, j, name in pairs}
        return log
