"""Linear scores of a frozen map: 0 at the start, added to the decoder's, on images normalised for its encoder."""

from __future__ import annotations

import torch
from coloured_squares import TASKS, Squares, reading

from motet.core import Batch
from motet.systems.vit_adapters.model import ViTAdapters


def batch_of(system: ViTAdapters) -> Batch:
    rows = [system.processor.row(Squares(2)[i], tuple(system.tasks.values()), None) for i in range(2)]
    return system.processor.collate(rows, keep_annotations=True)


def test_scores_are_those_of_the_linear_layer_until_the_decoder_has_learned() -> None:
    system = reading(TASKS["segment"], TASKS["depth"]).eval()
    assert set(system.linear_maps()) == {"segment", "depth"}
    batch = batch_of(system)
    assert system.linear is not None
    places = system.linear.features(batch.inputs["pixels"])
    state = system.encoder.run_shared(batch.inputs["pixels"])
    assert not system.scores("segment", state, None, places).any()
    torch.nn.init.normal_(system.linear_maps()["segment"].weight)
    expected = system.linear.scores("segment", places)
    assert torch.allclose(system.scores("segment", state, None, places), expected)
    torch.nn.init.normal_(system.heads["segment"].weight)
    assert not torch.allclose(system.scores("segment", state, None, places), expected, atol=1e-2)


def test_they_are_in_the_losses_and_predictions_and_their_encoder_stays_as_it_is() -> None:
    system = reading(TASKS["segment"]).train()
    batch = batch_of(system)
    before = float(system.losses(batch).tasks["segment"].total.detach())
    torch.nn.init.normal_(system.linear_maps()["segment"].weight)
    loss = system.losses(batch).tasks["segment"].total
    assert abs(float(loss.detach()) - before) > 1
    loss.backward()
    assert system.linear is not None
    assert not system.linear.tower.encoder.training
    assert all(parameter.grad is None for parameter in system.linear.tower.parameters())
    assert system.linear_maps()["segment"].weight.grad is not None
    assert float(system.heads["segment"].weight.grad.abs().sum()) > 0
    one, two = system.predict(batch)["segment"]
    assert len({*one.values.flatten().tolist(), *two.values.flatten().tolist()}) > 1


def test_the_map_gets_images_as_its_own_encoder_expects_them() -> None:
    system = reading(TASKS["segment"])
    assert system.linear is not None
    own, trunk = system.linear.tower.pixels, system.trunk.pixels
    assert own.mean != trunk.mean
    values = torch.rand(1, 3, 32, 32)
    for_trunk, for_map = (
        (values - torch.tensor(one.mean)[:, None, None]) / torch.tensor(one.std)[:, None, None] for one in (trunk, own)
    )
    found = system.linear.features(for_trunk)
    assert torch.allclose(found[..., :-5], system.linear.tower.map(for_map).permute(0, 2, 3, 1), atol=1e-4)
    assert found[0, 0, -1, -5:].tolist() == [-1, 1, 1, 1, -1]  # y, x, their squares and product, top right


def test_it_is_off_by_default_and_no_features_are_stored_beside_it() -> None:
    plain = reading(TASKS["segment"], linear=None)
    assert plain.linear is None
    assert plain.linear_maps() == {}
    assert plain.pretrained_map() is None
    assert plain.encoder_key() is not None
    assert reading(TASKS["segment"]).encoder_key() is None
    assert plain.heads["segment"].weight.any()
