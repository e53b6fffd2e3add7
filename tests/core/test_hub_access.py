"""A Hub that cannot be reached is one line at once; one that can is asked as ever."""

import socket
import time

import pytest
from huggingface_hub import constants

from motet.core import ConfigError
from motet.core.hub_access import hub_access, is_reachable
from motet.nn.encoders import TimmEncoder
from motet.nn.text_encoders import HfBert

CLOSED = "http://127.0.0.1:9"  # the discard port, where nothing listens


@pytest.fixture
def away(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "ENDPOINT", CLOSED)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


@pytest.mark.parametrize(
    ("load", "name", "bundled"),
    [
        (lambda: TimmEncoder("vit_tiny_patch16_224").build(pretrained=True), "vit_tiny_patch16_224", "BundledLite0"),
        (lambda: HfBert("nobody/no-such-model").tokenizer(), "nobody/no-such-model", "BundledMiniLM"),
    ],
)
def test_what_is_asked_for_and_what_is_bundled_is_said_at_once(away, load, name, bundled):
    began = time.process_time()
    with pytest.raises(ConfigError) as caught:
        load()
    line = str(caught.value)
    assert "\n" not in line
    assert name in line
    assert f"127.0.0.1 cannot be reached; want a network, or what is bundled: {bundled}" in line
    assert time.process_time() - began < 10
    assert not constants.HF_HUB_OFFLINE


def test_without_weights_from_the_hub_nothing_is_asked(away, monkeypatch):
    monkeypatch.setattr("motet.core.hub_access.is_reachable", lambda endpoint: pytest.fail(endpoint))
    assert TimmEncoder("vit_tiny_patch16_224").build(pretrained=False).width == 192


def test_a_port_that_answers_is_reachable_also_through_a_proxy(monkeypatch):
    is_reachable.cache_clear()
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert is_reachable(place)
        monkeypatch.setenv("https_proxy", place)
        monkeypatch.delenv("no_proxy", raising=False)
        assert is_reachable("https://hub.example")
    is_reachable.cache_clear()
    assert not is_reachable(place)


def test_an_error_of_another_kind_is_passed_on(away):
    with pytest.raises(KeyError), hub_access("x", "y"):
        raise KeyError("z")
    assert not constants.HF_HUB_OFFLINE
