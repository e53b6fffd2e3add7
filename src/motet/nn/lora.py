"""Low-rank adapters in any module: a few trained matrices beside constant weights (by the package peft)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from motet.core import ConfigError


@dataclass(frozen=True)
class LoRA:
    """A pretrained module that stays constant, with a trained low-rank matrix beside each linear layer.

    Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models" (2021); rsLoRA: Kalajdzievski, "A Rank
    Stabilization Scaling Factor for Fine-Tuning with LoRA" (2023). The layers are those of the package peft.

    Args:
        rank: r, of each pair of matrices.
        alpha: the scale of their product is ``alpha / rank``; None for twice the rank.
        modules: ends of the names of the layers that get adapters (``("q_proj", "v_proj")``); none for all linear
            layers, or all ungrouped convolutions of a module without linear layers.
        rslora: a scale of ``alpha / sqrt(rank)``.
        lr_scale: multiple of the run's learning rate.

    Raises:
        ConfigError: a rank below 1.
    """

    rank: int = 8
    alpha: float | None = None
    modules: tuple[str, ...] = ()
    rslora: bool = False
    lr_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ConfigError(f"{type(self).__name__}.rank: got {self.rank}; want at least 1")


@dataclass(frozen=True)
class DoRA(LoRA):
    """LoRA with a trained length for each column of the weights, which the low-rank matrices only rotate.

    Source: Liu et al., "DoRA: Weight-Decomposed Low-Rank Adaptation" (2024).
    """


def add_adapters(module: nn.Module, lora: LoRA) -> None:
    """Freezes a module in place and adds trained adapters, which change nothing yet, to its layers.

    Raises:
        ConfigError: peft is not installed, or no layer fits.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise ConfigError(
            f"{type(lora).__name__}: got no package peft; want it installed: pip install 'motet[lora]'"
        ) from error
    alpha = 2 * lora.rank if lora.alpha is None else lora.alpha
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=alpha,
        target_modules=adapted_layers(module, lora),
        use_rslora=lora.rslora,
        use_dora=isinstance(lora, DoRA),
    )
    inject_adapter_in_model(config, module)
    for name, parameter in module.named_parameters():
        parameter.requires_grad_("lora_" in name)


def adapted_layers(module: nn.Module, lora: LoRA) -> list[str]:
    """Returns the names of the layers of a module that get adapters.

    Layers whose weights another module reads without calling them are left out, since an adapter would have no effect:
    those inside `nn.MultiheadAttention`, and `qkv` of timm's attentions that add their own bias for queries.

    Raises:
        ConfigError: no layer fits.
    """
    skipped: set[str] = set()
    for name, part in module.named_modules():
        if isinstance(part, nn.MultiheadAttention):
            skipped |= {f"{name}.{inner}" for inner, _ in part.named_modules()}
        elif getattr(part, "q_bias", None) is not None:
            skipped.add(f"{name}.qkv")
    called = {name: part for name, part in module.named_modules() if name and name not in skipped}
    layers = [name for name, part in called.items() if isinstance(part, nn.Linear)]
    if not layers:
        layers = [name for name, part in called.items() if isinstance(part, nn.Conv2d) and part.groups == 1]
    if lora.modules:
        layers = [
            name for name in layers if name in lora.modules or name.endswith(tuple(f".{m}" for m in lora.modules))
        ]
    if not layers:
        got = f"no layer called {' or '.join(lora.modules)}" if lora.modules else "no linear layer and no convolution"
        raise ConfigError(f"{type(lora).__name__}.modules: got {got} in a {type(module).__name__}; want at least one")
    return layers


def merge_adapters(module: nn.Module) -> None:
    """Adds each adapter to its layer's weights, in place: the same outputs, without peft's layers."""
    from peft.tuners.lora import LoraLayer

    for name, part in list(module.named_modules()):
        if isinstance(part, LoraLayer):
            part.merge()
            module.set_submodule(name, part.get_base_layer())
