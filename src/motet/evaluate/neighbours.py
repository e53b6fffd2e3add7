"""The answer of the training picture that looks most alike, by the frozen encoder's own features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from motet.core import Example, FeatureStore, System, Task
from motet.core.ranks import gather
from motet.evaluate.constants import Known, said_truth, score
from motet.evaluate.loading import own_rows


def neighbour_floor(
    system: System, task: Task, train: Known, held_out: Known, *, batch_size: int, store: FeatureStore | None = None
) -> dict[str, float]:
    """What the truth of the nearest training picture scores: ``{"nearest neighbour": x}``, or nothing.

    Nearest by the cosine of the encoder's features, averaged over tokens. Questions have no such floor, since the
    neighbour was asked something else; nor have systems without a frozen encoder, and rows without a picture.

    Args:
        system: in eval mode; its `encode` gives the features.
        task: what is asked.
        train: rows whose truths may be said.
        held_out: rows to answer.
        batch_size: pictures encoded at a time.
        store: stored features, read instead of encoding.
    """
    pictures = all(example.images for example, _ in [*train, *held_out])
    if system.encoder_key() is None or "text" in task.sees or not pictures or not train or not held_out:
        return {}
    answers = [said_truth(task, truth) for _, truth in train]
    said = [answer for answer in answers if answer is not None]
    if len(said) < len(answers):
        return {}
    known = _features(system, [example for example, _ in train], batch_size, store)
    asked = _features(system, [example for example, _ in held_out], batch_size, store)
    nearest = (asked @ known.T).argmax(axis=1)
    return {"nearest neighbour": score(task, held_out, [said[place] for place in nearest.tolist()])}


def _features(system: System, examples: Sequence[Example], batch_size: int, store: FeatureStore | None) -> np.ndarray:
    """A unit vector (d,) for each row's first picture; each rank encodes its part."""
    own = own_rows(range(len(examples)))
    found: dict[int, np.ndarray] = {}
    for start in range(0, len(own), batch_size):
        places = own[start : start + batch_size]
        found.update(zip(places, _mean_tokens(system, [examples[place] for place in places], store), strict=True))
    whole = {place: vector for part in gather(found) for place, vector in part.items()}
    vectors = np.stack([whole[place] for place in range(len(examples))])
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


def _mean_tokens(system: System, examples: Sequence[Example], store: FeatureStore | None) -> np.ndarray:
    images = [example.images[0] for example in examples]
    if store is not None:
        return np.stack([store.read(image, frozenset(), None).astype(np.float32).mean(axis=0) for image in images])
    pixels = np.stack([system.processor.view(image, 0) for image in images])
    encoded: Tensor = system.encode(torch.from_numpy(pixels).to(next(system.parameters()).device))
    return encoded.float().mean(dim=1).cpu().numpy()
