from motet.core import Label, Task
from motet.metrics import Accuracy
from motet.nn.encoders import PlainViT
from motet.nn.tower import FromScratch
from motet.preprocess.tokenizers import TrainedTokenizer
from motet.systems.lit_decoder import LiTDecoderConfig
from motet.systems.lit_decoder.build import build_lit_decoder

TASK = Task(name="t", inputs=frozenset({"image"}), label="x", target=Label(("a", "b")), metrics=(Accuracy,))
CONFIG = LiTDecoderConfig(
    encoder=PlainViT(size=8, patch=4, width=8, depth=1, heads=2), mode=FromScratch(), depth=1, width=8, heads=2,
    tokenizer=TrainedTokenizer(size=300),
)  # fmt: skip


def test_a_saved_tokeniser_is_used_instead_of_a_trained_one() -> None:
    trained = build_lit_decoder(CONFIG, [TASK], texts=lambda: ["a red house", "a red car"] * 9)
    restored = build_lit_decoder(CONFIG, [TASK], texts=lambda: ["anything else"], assets=trained.assets())
    assert restored.tokenizer.encode("a red car") == trained.tokenizer.encode("a red car")
    assert restored.state_dict().keys() == trained.state_dict().keys()
