"""CLIP's tokeniser from files in its published layouts; its ids are held by tests/golden/test_s5_clip.py."""

import gzip
import json
from pathlib import Path

import pytest
from clip_merges import write_merges

from motet.core import ConfigError
from motet.core.codec import from_json, to_json
from motet.preprocess.clip_tokenizer import NUM_MERGES, ClipTokenizer
from motet.preprocess.tokenizers import Tokenizer
from motet.training.saved_names import saved_names

KNOWN = {"a photo": [320, 1125], "naïve": [1097, 35689, 563], "don't!": [847, 713, 256]}


@pytest.fixture(scope="module")
def merges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "merges.txt"
    write_merges(path, KNOWN)
    return path


@pytest.fixture(scope="module")
def tokenizer(merges: Path) -> Tokenizer:
    return ClipTokenizer(merges).build([])


def test_texts_are_lowered_and_words_cut_as_clip_does(tokenizer: Tokenizer) -> None:
    for text, ids in KNOWN.items():
        assert tokenizer.encode(text) == tokenizer.encode(f"  {text.upper()} ") == [i + 2 for i in ids]
    assert tokenizer.encode("7") == [ord("7") - 33 + 256 + 2]  # a byte that ends a word


def test_decoding_gives_the_text_back(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode(tokenizer.encode("A photo,  naïve — 東!")) == "a photo , naïve — 東 !"
    assert tokenizer.num_text_ids == NUM_MERGES + 512 + 2


def test_a_saved_tokeniser_needs_no_file(tokenizer: Tokenizer) -> None:
    again = Tokenizer.from_bytes(tokenizer.to_bytes())
    assert again.encode("naïve photo") == tokenizer.encode("naïve photo")


def test_it_is_part_of_a_saved_run(tmp_path: Path) -> None:
    saved = json.loads(json.dumps(to_json(ClipTokenizer(tmp_path))))
    assert from_json(saved, saved_names()) == ClipTokenizer(tmp_path)


def test_the_gzip_of_openai_and_a_folder_are_read(merges: Path, tokenizer: Tokenizer) -> None:
    # OpenAI's file lists more merges than are used.
    longer = merges.read_bytes() + b"x y\nz z\n"
    (merges.parent / "bpe_simple_vocab_16e6.txt.gz").write_bytes(gzip.compress(longer))
    found = ClipTokenizer(merges.parent).build([])
    assert found.encode("a photo") == tokenizer.encode("a photo")
    assert found.num_text_ids == tokenizer.num_text_ids


@pytest.mark.parametrize(
    ("data", "name", "wanted"),
    [
        (b"title\na b\n", "merges.txt", "got 1 merges; want 48,894, as in CLIP's"),
        (b"title\na b\nc\n", "merges.txt", "line 3: got 'c'; want two tokens to merge"),
        (b"no gzip", "bpe_simple_vocab_16e6.txt.gz", "want a published file of CLIP's merges"),
        (b"", "x", "got none of bpe_simple_vocab_16e6.txt.gz"),
    ],
)
def test_other_files_are_one_line(tmp_path: Path, data: bytes, name: str, wanted: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError, match=wanted) as caught:
        ClipTokenizer(tmp_path).build([])
    assert "\n" not in str(caught.value)


def test_merges_of_unknown_tokens_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "merges.txt").write_text("title\n" + "aa bb\n" * NUM_MERGES)
    with pytest.raises(ConfigError, match="want merges of letters and earlier merges"):
        ClipTokenizer(tmp_path).build([])
