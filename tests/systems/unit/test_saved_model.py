"""UniT from its configuration: texts are asked for where a tokeniser is trained, and never for a saved model."""

from dataclasses import replace

from toy_unit import CONFIG, task

from motet.nn.text_encoders import BundledMiniLM
from motet.systems.unit.model import UniT


class Texts:
    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> list[str]:
        self.asked += 1
        return ["a red cat", "two dogs"] * 9


def test_a_tokeniser_is_trained_once_and_saved_with_the_model() -> None:
    texts = Texts()
    first = UniT(CONFIG, [task("vqa"), task("pair")], texts=texts)
    assert isinstance(first, UniT)
    assert texts.asked == 1
    again = UniT(CONFIG, [task("vqa"), task("pair")], texts=texts, assets=first.assets())
    assert texts.asked == 1
    again.load_state_dict(first.state_dict())
    assert first.sentences is not None
    assert again.sentences is not None
    assert again.sentences.vocab_size == first.sentences.vocab_size
    assert again.assets() == first.assets()


def test_an_encoder_with_a_tokeniser_of_its_own_reads_no_texts() -> None:
    texts = Texts()
    model = UniT(replace(CONFIG, text=BundledMiniLM(), width=32), [task("pair")], texts=texts)
    assert texts.asked == 0
    assert model.sentences is not None
    assert model.sentences.vocab_size == 30_522


def test_a_model_of_images_has_no_text_encoder_and_one_of_sentences_no_trunk() -> None:
    texts = Texts()
    images = UniT(CONFIG, [task("boxes")], texts=texts)
    assert (images.text, images.sentences, images.assets()) == (None, None, {})
    assert texts.asked == 0
    sentences = UniT(CONFIG, [task("pair")], texts=texts)
    assert sentences.vision is None
    assert not any(name.startswith("vision.") for name, _ in sentences.named_parameters())
