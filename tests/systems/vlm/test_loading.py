"""Models that cannot be used are refused in one line."""

import json
import shutil

import pytest
from huggingface_hub import constants
from tiny_vlms import folder
from toy_vlm import LABEL, ROWS, batch

from motet.core import ConfigError, hub_access
from motet.systems import build_system
from motet.systems.vlm import VlmConfig


def build(model) -> object:
    return build_system(VlmConfig(model=str(model)), [LABEL], texts=list)


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(folder("llava"), tmp_path / "model")


def test_a_model_of_another_kind(copied) -> None:
    (copied / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ConfigError, match=r"model: got a model of type 'bert'; want a vision-language model of type "):
        build(copied)


def test_a_folder_that_holds_no_model(tmp_path) -> None:
    with pytest.raises(
        ConfigError, match=r"VlmConfig.model: .*: got .*; want a vision-language model of transformers$"
    ):
        build(tmp_path)


def test_a_type_that_transformers_does_not_know(copied) -> None:
    (copied / "config.json").write_text(json.dumps({"model_type": "nonsense"}))
    with pytest.raises(ConfigError, match=r"model: got .*; want a vision-language model of transformers$"):
        build(copied)


def test_a_missing_processor(copied) -> None:
    for name in ("processor_config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"):
        (copied / name).unlink(missing_ok=True)
    with pytest.raises(ConfigError, match=r"model: got .*; want [^\n]*tokeniser"):
        build(copied)


def test_a_template_without_the_image(copied) -> None:
    (copied / "chat_template.jinja").write_text("{% for m in messages %}{{ m['content'][1]['text'] }}{% endfor %}")
    system = build(copied)
    with pytest.raises(ConfigError, match=r"chat_template: got 'label' without <image>; want a template that places"):
        batch(system, ROWS[:1])


def test_missing_weights(copied) -> None:
    (copied / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"model: got .*; want weights as safetensors$"):
        build(copied)


def test_no_network(monkeypatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub_access, "is_reachable", lambda *_: False)
    with pytest.raises(ConfigError, match=r"VlmConfig.model: nobody/nothing: got no copy .* cannot be reached; want"):
        build("nobody/nothing")


def test_a_name_that_the_hub_does_not_know(monkeypatch) -> None:
    def unknown(*_, **__):
        raise OSError("nobody/nothing is not a local folder and is not a valid model identifier")

    monkeypatch.setattr(hub_access, "is_reachable", lambda *_: True)
    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", unknown)
    with pytest.raises(ConfigError, match=r"nobody/nothing: got nobody/nothing is not .*; want the name of a model on"):
        build("nobody/nothing")


def test_a_placeholder_in_a_question_is_only_text(copied) -> None:
    system = build(copied)
    say = system.processor.conversation
    assert say.prefix("a <image> b") == say.prefix("a   b")
