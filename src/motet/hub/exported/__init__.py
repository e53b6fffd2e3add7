"""Exported models: a system as graphs that run without its PyTorch modules."""

from motet.hub.exported.load_onnx import load_onnx as load_onnx
from motet.hub.exported.load_onnx import runs_by_onnx as runs_by_onnx
from motet.hub.exported.onnx_system import OnnxSystem as OnnxSystem
from motet.hub.exported.write_onnx import write_onnx as write_onnx
from motet.hub.exported.write_torch import write_torch_export as write_torch_export
