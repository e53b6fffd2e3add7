"""The way of decoding on the command line."""

import pytest
from toy_unit import system_of

from motet.cli.decoding import decode_as_set
from motet.config.overrides import with_settings
from motet.core import Answer, ConfigError, Label, Task, Text
from motet.core.system import HasDecoding
from motet.metrics import Accuracy
from motet.nn.encoders import PlainViT
from motet.nn.generate import BeamSearch, Greedy, Sampling
from motet.nn.tower import FromScratch
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems import build_system
from motet.systems.lit_decoder import LiTDecoderConfig, Scoring

CONFIG = LiTDecoderConfig(
    encoder=PlainViT(size=8, patch=4, width=8, depth=1, heads=2), mode=FromScratch(), depth=1, width=8, heads=2,
    tokenizer=TrainedTokenizer(size=300),
)  # fmt: skip


def task(name, target) -> Task:
    return Task(name=name, inputs=frozenset({"image"}), label="x", target=target, metrics=(Accuracy,))


def lit():
    tasks = [task("pet", Label(("cat", "dog"))), task("caption", Text(9)), task("vqa", Answer())]
    return build_system(CONFIG, tasks, texts=lambda: ["cat dog"] * 4)


def test_strategies_are_read_and_said() -> None:
    system = lit()
    assert isinstance(system, HasDecoding)
    lines = decode_as_set(
        system, ["pet=Scoring()", "caption=BeamSearch(num_beams=2, alpha=0.6)", "vqa=Sampling(top_k=3)"]
    )
    assert system.decoding == {
        "pet": Scoring(), "caption": BeamSearch(num_beams=2, alpha=0.6), "vqa": Sampling(top_k=3)
    }  # fmt: skip
    assert lines[0] == "decoding of pet: Scoring()"
    assert decode_as_set(system, None) == ()
    decode_as_set(system, ["pet=Greedy"])
    assert system.decoding["pet"] == Greedy()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("pet", r"--decoding: got 'pet'; want TASK=STRATEGY"),
        ("pets=Greedy()", r"--decoding: got task 'pets'; did you mean 'pet'\?"),
        ("pet=Beams()", r"--decoding: pet: got 'Beams'; .*BeamSearch"),
        ("caption=BeamSearch(beams=2)", r"--decoding: caption: BeamSearch: got no field 'beams'"),
        ("caption=Scoring()", "got Text without names"),
    ],
)
def test_what_does_not_fit_is_one_line(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        decode_as_set(lit(), [setting])


def test_a_model_that_generates_no_text_has_none_to_choose() -> None:
    with pytest.raises(ConfigError, match="--decoding: got a unit model, which has none to choose"):
        decode_as_set(system_of("vqa"), ["vqa=Greedy()"])


def test_a_recipe_is_given_one_with_set() -> None:
    changed = with_settings(CONFIG, ["decoding={'caption': BeamSearch(num_beams=2), 'pet': Scoring()}"])
    assert changed.decoding == {"caption": BeamSearch(num_beams=2), "pet": Scoring()}
