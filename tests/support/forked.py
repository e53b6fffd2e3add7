"""One forkserver for all processes of tests: it imports once what they need, and they begin in milliseconds."""

from __future__ import annotations

import multiprocessing

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "torch",
        "torch._dynamo",
        "tensorboard.compat.proto.event_pb2",
        "tensorboard.summary.writer.record_writer",
        "transformers.models.bert.modeling_bert",
        "toys",
        "toy_unit",
        "toy_uni_perceiver",
        "motet.training.fit",
        "motet.cli.main",
        "motet.experiments.api",
        "motet.hub",
        "kill_recipes",
    ]
)
