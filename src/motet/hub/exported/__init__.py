"""Exported models: a system as graphs that run without its PyTorch modules."""

from motet.hub.exported.load_onnx import load_onnx as load_onnx
from motet.hub.exported.load_onnx import runs_by_onnx as runs_by_onnx
from motet.hub.exported.measure import measured_losses as measured_losses
from motet.hub.exported.onnx_system import OnnxSystem as OnnxSystem
from motet.hub.exported.readme import ScoreLoss as ScoreLoss
from motet.hub.exported.readme import write_readme as write_readme
from motet.hub.exported.write_onnx import write_onnx as write_onnx
from motet.hub.exported.write_torch import write_torch_export as write_torch_export
