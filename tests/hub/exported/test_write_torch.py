"""Programs of `torch.export` give what the system gives, for any number of rows."""

from __future__ import annotations

import json

import torch

from motet.hub.exported import write_torch_export


def test_each_program_computes_what_the_system_does(system, tmp_path) -> None:
    write_torch_export(system, tmp_path / "out")
    index = json.loads((tmp_path / "out" / "graphs.json").read_text())
    assert (index["engine"], list(index["graphs"])) == ("torch.export", ["encode", "scores.animal"])
    pixels = torch.randn(4, 3, 16, 16)
    (tokens,) = torch.export.load(tmp_path / "out" / "encode.pt2").module()(pixels)
    torch.testing.assert_close(tokens, system.encode(pixels))
    (scores,) = torch.export.load(tmp_path / "out" / "scores.animal.pt2").module()(tokens)
    assert scores.shape == (4, 3)
    assert "torch.export.load" in (tmp_path / "out" / "README.md").read_text()
