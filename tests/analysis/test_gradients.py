"""Gradients of one task per block, and measuring without a trace."""

import pytest
import torch
from toys import toy_sources, toy_system

from motet.analysis.gradients import block_gradients, mean_loss, measurement_mode, seed_dropout, trained_blocks
from motet.core import Batch, ConfigError, Loss, Losses


def batch_of(system, source) -> Batch:
    rows = [system.processor.row(source.reader[index], source.tasks, None) for index in range(4)]
    return system.processor.collate(rows, keep_annotations=False)


def test_the_gradient_is_that_of_the_mean_loss() -> None:
    (source,) = toy_sources(4)
    system = toy_system((source,)).eval()
    batch = batch_of(system, source)
    found = block_gradients(system, batch, "task_a", trained_blocks(system))
    loss = system.losses(batch).tasks["task_a"]
    (loss.total / loss.weight).backward()
    expected = torch.cat([parameter.grad.reshape(-1) for parameter in system.trunk.parameters()])
    assert torch.allclose(found["trunk"], expected)


def test_a_batch_without_the_task_has_no_gradient() -> None:
    sources = toy_sources(4, 4)
    system = toy_system(sources).eval()
    assert block_gradients(system, batch_of(system, sources[0]), "task_b", trained_blocks(system)) is None


def test_frozen_parameters_are_no_block() -> None:
    system = toy_system(toy_sources(4))
    system.trunk.requires_grad_(False)
    with pytest.raises(ConfigError, match="share no trainable parameters; want two or more tasks"):
        trained_blocks(system)


def test_an_unknown_block_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="block: got 'trunc'; did you mean 'trunk'"):
        trained_blocks(toy_system(toy_sources(4)), ["trunc"])


def test_terms_add_their_own_means() -> None:
    rows, words = Loss(torch.tensor(6.0), torch.tensor(3.0)), Loss(torch.tensor(9.0), torch.tensor(1.0))
    losses = Losses({"a": rows}, terms={("a", "words"): words, ("b", "words"): rows})
    assert mean_loss(losses, "a").item() == 11.0
    assert mean_loss(losses, "b").item() == 2.0
    assert mean_loss(losses, "c") is None


def test_measuring_restores_modes_buffers_and_random_state() -> None:
    system = toy_system(toy_sources(4)).train()
    system.dropout.eval()
    buffer, state = system.get_buffer("encoder").clone(), torch.random.get_rng_state()
    with measurement_mode(system, training=True):
        assert system.dropout.training
        system.get_buffer("encoder").zero_()
        seed_dropout(0, "a")
        torch.rand(3)
    assert (system.training, system.dropout.training) == (True, False)
    assert torch.equal(system.get_buffer("encoder"), buffer)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_dropout_draws_depend_on_seed_and_keys_only() -> None:
    draws = []
    for seed, key in ((0, "a"), (1, "a"), (0, "b"), (0, "a")):
        seed_dropout(seed, key)
        draws.append(torch.rand(4).tolist())
    assert draws[0] == draws[3]
    assert draws[0] != draws[1]
    assert draws[0] != draws[2]
