"""Uni-Perceiver as tensor functions: scores of names, sides of pairs, and the steps of generated texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Float, Int
from torch import Tensor

from motet.core import Answer, Batch, DataError, Label, Masked, Match, Prediction, Target, Task
from motet.core.graphs import Graph, GraphRunner, SystemGraphs, TensorSpec
from motet.preprocess.tokenizers import PAD
from motet.systems.base import candidate_predictions, class_predictions
from motet.systems.uni_perceiver.generation import TextState, TextStepModel
from motet.systems.uni_perceiver.layers import KeyValueCache
from motet.systems.uni_perceiver.model import UniPerceiver
from motet.systems.uni_perceiver.options import Experts
from motet.systems.uni_perceiver.target_features import TargetFeatures
from motet.systems.uni_perceiver.targets import Family, is_generated, is_visual
from motet.systems.uni_perceiver.token_kinds import target_kind
from motet.systems.uni_perceiver.vocabulary import Vocabulary

_VALID = "False at padding"


class UniPerceiverGraphs(SystemGraphs):
    """Splits Uni-Perceiver into graphs.

    They are ``encode``, where it has an encoder of images; for names ``scores.TASK``; for pairs ``image.TASK`` and
    ``text.TASK``; for generated texts ``start.TASK`` and ``step.TASK``. Names and the vocabulary are encoded once, and
    are constants of the graphs.

    Args:
        system: in eval mode.
    """

    system: UniPerceiver

    def __init__(self, system: UniPerceiver) -> None:
        self.system = system
        self._targets = _ConstantTargets(system.targets)
        self.left_out: Mapping[str, str] = {
            name: why for name, task in system.tasks.items() if (why := self._why(task))
        }

    def graphs(self) -> Mapping[str, Graph]:
        graphs: dict[str, Graph] = {}
        images, trunk = self.system.processor.images, self.system.trunk
        if images is not None and trunk is not None:
            size_hw = images.transform.size_hw
            pixels = TensorSpec("pixels", "float32", ("b", 3, *size_hw), "normalised RGB of b images or frames")
            features = TensorSpec("features", "float32", ("b", trunk.num_tokens, trunk.width), "tokens of the encoder")
            graphs["encode"] = Graph(lambda pixels: (self.system.encode(pixels),), (pixels,), (features,))
        for name, task in self.system.tasks.items():
            if name not in self.left_out:
                graphs |= self._graphs_of(task)
        return graphs

    def predict(self, run: GraphRunner, batch: Batch) -> Mapping[str, Sequence[Prediction]]:
        inputs = self._encoded_images(run, batch)
        found: dict[str, Sequence[Prediction]] = {}
        for name, target in batch.targets.items():
            task = self.system.tasks[name]
            if isinstance(task.target, Match):
                found[name] = self._match(run, task, inputs, target)
                continue
            given = [self._images_of_rows(task, inputs, target)] if is_visual(task) else []
            given += [target.value["ids"]] if "text" in task.inputs else []
            if is_generated(task):
                model = _GraphSteps(run, task, has_text="text" in task.inputs)
                found[name] = self.system.generator.search(task, model, *model.start(given))
            else:
                assert isinstance(task.target, Label | Answer)  # `check_supported`
                found[name] = class_predictions(run(f"scores.{name}", *given)[0], task.target.names)
        return found

    def _why(self, task: Task) -> str:
        """Returns why a task is left out; "" for one that is not."""
        blocks = self.system.config.blocks
        if isinstance(task.target, Masked):
            return "pre-training on masked words, which nobody asks a trained model"
        if isinstance(blocks, Experts) and blocks.routing in ("token", "context"):
            return f"routing by {blocks.routing} sorts tokens by expert, in shapes that depend on the data"
        return ""

    def _graphs_of(self, task: Task) -> dict[str, Graph]:
        name, specs, width = task.name, self._input_specs(task), self.system.config.sizes.width
        if isinstance(task.target, Match):
            ids = TensorSpec("ids", "int64", ("s", "t"), "token ids of texts")
            side = TensorSpec("features", "float32", ("b", width), "of images, of length: the scale of similarities")
            text = TensorSpec("features", "float32", ("s", width), "of texts, of length 1")
            return {
                f"image.{name}": Graph(partial(self._image, task), specs[:1], (side,)),
                f"text.{name}": Graph(partial(self._text, task), (ids,), (text,)),
            }
        if is_generated(task):
            state = self._state_specs(task)
            logits = TensorSpec("logits", "float32", ("r", self.system.text_inputs.num_words + 1), "of each token id")
            tokens = TensorSpec("tokens", "int64", ("r",), "the last token of each row")
            return {
                f"start.{name}": Graph(partial(self._start, task), specs, (logits, *_renamed(state, ""))),
                f"step.{name}": Graph(partial(self._step, task), (tokens, *state), (logits, *_renamed(state, "new_"))),
            }
        assert isinstance(task.target, Label | Answer)  # `check_supported`
        about = "log-probabilities of the names, in order"
        scores = TensorSpec("scores", "float32", ("b", len(task.target.names)), about)
        return {f"scores.{name}": Graph(partial(self._scores, task), specs, (scores,))}

    def _input_specs(self, task: Task) -> tuple[TensorSpec, ...]:
        """Returns the images and the text of a task's rows."""
        specs: tuple[TensorSpec, ...] = ()
        images, trunk = self.system.processor.images, self.system.trunk
        if is_visual(task):
            assert images is not None  # a system with such a task
            frames = images.frames_of.get(task.name, images.num_frames) if "video" in task.inputs else 1
            dims: tuple[int | str, ...]
            if trunk is None:
                dims = ("b", frames, 3, *images.transform.size_hw)
                specs += (TensorSpec("frames", "float32", dims, "normalised RGB of each frame; an image is one"),)
            else:
                dims = ("b", frames, trunk.num_tokens, trunk.width)
                specs += (TensorSpec("frame_features", "float32", dims, "tokens of each frame; an image is one"),)
        if "text" in task.inputs:
            specs += (TensorSpec("ids", "int64", ("b", 1, "t"), f"token ids of the text, {PAD} at padding"),)
        return specs

    def _state_specs(self, task: Task) -> tuple[TensorSpec, ...]:
        """Returns what is kept between the steps of a text."""
        sizes = self.system.config.sizes
        specs = [TensorSpec("position", "int64", ("r",), "of each row's next token", fill=1)]
        if "text" in task.inputs:
            specs.append(TensorSpec("valid", "bool", ("r", "n"), _VALID))
        dims = ("r", sizes.heads, "n", sizes.width // sizes.heads)
        for i in range(sizes.depth):
            specs += [TensorSpec(f"{part}_{i}", "float32", dims, f"{part} of layer {i}") for part in ("keys", "values")]
        return tuple(specs)

    def _scores(self, task: Task, *given: Tensor) -> tuple[Tensor]:
        classifier = replace(self.system.classifier, targets=self._targets)
        return (classifier.scores(task, *self._batch(task, given))[0].float().log_softmax(-1),)

    def _image(self, task: Task, values: Tensor) -> tuple[Tensor]:
        tokens = self.system.matcher.inputs.embed_images(values, stored=self.system.trunk is not None)
        features = self.system.matcher.encoded_images(task, tokens)[0]
        return (features * self.system.similarity.scale(Family.MATCH),)

    def _text(self, task: Task, ids: Tensor) -> tuple[Tensor]:
        return (self.system.targets.encode(ids, target_kind(task), ids != PAD),)

    def _start(self, task: Task, *given: Tensor) -> tuple[Tensor, ...]:
        logits, state = self._step_model(task).start(
            self.system.generator.inputs.of_task(task, *self._batch(task, given))
        )
        return (logits, *_tensors(state))

    def _step(self, task: Task, tokens: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        logits, new = self._step_model(task).step(_state(state, has_text="text" in task.inputs), tokens)
        return (logits, *_tensors(new))

    def _step_model(self, task: Task) -> TextStepModel:
        return replace(
            self.system.generator.step_model(task), vocabulary=Vocabulary(self.system.similarity, self._targets)
        )

    def _batch(self, task: Task, given: Sequence[Tensor]) -> tuple[Batch, Target]:
        """Returns the inputs of a graph as the parts of the system read them."""
        value = dict(zip([spec.name for spec in self._input_specs(task)], given, strict=False))
        ids = {key: value.pop(key) for key in ("ids",) if key in value}
        return Batch((), value, {}), Target(rows=torch.arange(len(given[0])), value=ids)

    def _encoded_images(self, run: GraphRunner, batch: Batch) -> Tensor | None:
        """Returns the frames or features of a batch's images, (b, f, ...); None without images."""
        for name in ("features", "frame_features", "pixels", "frames"):
            if name in batch.inputs:
                values = batch.inputs[name] if name.startswith("frame") else batch.inputs[name][:, None]
                return values.float() if name.endswith("features") else self._encode(run, values)
        return None

    def _encode(self, run: GraphRunner, frames: Tensor) -> Tensor:
        if self.system.trunk is None:
            return frames
        (tokens,) = run("encode", frames.flatten(0, 1))
        return tokens.reshape(*frames.shape[:2], *tokens.shape[1:])

    def _images_of_rows(self, task: Task, inputs: Tensor | None, target: Target) -> Tensor:
        if inputs is None:
            raise DataError(f"task {task.name!r}: got a batch without images; want 'pixels' or 'frames' in its inputs")
        return inputs[target.rows]

    def _match(self, run: GraphRunner, task: Task, inputs: Tensor | None, target: Target) -> Sequence[Prediction]:
        """Returns the best candidate of each row."""
        value = target.value
        images = run(f"image.{task.name}", self._images_of_rows(task, inputs, target))[0][:, None]
        if "more_images" in value:
            more = value["more_images"]
            frames = more.flatten(0, 1)[:, None]
            frames = frames.float() if more.ndim == 4 else self._encode(run, frames)
            images = torch.cat([images, run(f"image.{task.name}", frames)[0].reshape(*more.shape[:2], -1)], 1)
        texts = run(f"text.{task.name}", value["ids"].flatten(0, 1))[0].reshape(*value["ids"].shape[:2], -1)
        at = torch.arange(len(target.rows))[:, None]
        scores = (texts[at, value["text_index"]] * images[at, value["image_index"]]).sum(-1)
        return candidate_predictions(scores, value["real"], value.get("names", ()))


class _ConstantTargets(TargetFeatures):
    """Features of names and words that are encoded at their first use and stay.

    Args:
        targets: encodes them.
    """

    def __init__(self, targets: TargetFeatures) -> None:
        self.ids, self._encoded, self._found = targets.ids, targets, dict[str, Tensor]()

    def names(self, task: Task) -> Float[Tensor, "k d"]:
        return self._once(f"names {task.name}", lambda: self._encoded.names(task))

    def words(self, task: Task) -> Float[Tensor, "v d"]:
        return self._once(f"words {task.name}", lambda: self._encoded.words(task))

    def _once(self, key: str, encode: Callable[[], Tensor]) -> Tensor:
        if key not in self._found:
            with torch.inference_mode(mode=False), torch.no_grad():
                self._encoded.clear()  # what was cached may belong to inference mode, which no export can read
                self._found[key] = encode()
        return self._found[key]


@dataclass(frozen=True)
class _GraphSteps:
    """Predicts texts token by token by graphs; a `motet.nn.generate.StepModel`.

    Args:
        run: runs them.
        task: whose texts are generated.
        has_text: whether it has a text as input.
    """

    run: GraphRunner
    task: Task
    has_text: bool

    def start(self, given: Sequence[Tensor]) -> tuple[Float[Tensor, "b v"], TextState]:
        """Returns the logits of the first token, and the state."""
        logits, *state = self.run(f"start.{self.task.name}", *given)
        return logits, _state(state, has_text=self.has_text)

    def step(self, state: TextState, tokens: Int[Tensor, "r"]) -> tuple[Float[Tensor, "r v"], TextState]:
        """Appends a token to each row; returns the logits of the next one, and the state with it."""
        logits, *new = self.run(f"step.{self.task.name}", tokens, *_tensors(state))
        return logits, replace(_state(new, has_text=self.has_text), num_rows=state.num_rows)


def _tensors(state: TextState) -> tuple[Tensor, ...]:
    """Returns a state as tensors, in the order of its specs."""
    valid = state.caches[0].valid
    parts = [part for cache in state.caches for part in (cache.keys, cache.values)]
    return (state.position, *([] if valid is None else [valid]), *parts)


def _state(tensors: Sequence[Tensor], *, has_text: bool) -> TextState:
    """Returns the state that `_tensors` took apart; all layers have one padding mask."""
    position, valid = tensors[0], tensors[1] if has_text else None
    parts = tensors[2 if has_text else 1 :]
    caches = (KeyValueCache(keys, values, valid) for keys, values in zip(parts[::2], parts[1::2], strict=True))
    return TextState(tuple(caches), position)


def _renamed(specs: Sequence[TensorSpec], prefix: str) -> tuple[TensorSpec, ...]:
    """Returns the specs of a state behind a graph; names of inputs and outputs must differ."""
    return tuple(replace(spec, name=f"{prefix}{spec.name}") for spec in specs)
