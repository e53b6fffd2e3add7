"""Data sets whose rows are texts, or questions and sentences about images: VQA, LLaVA, Flickr8k, Excel, GLUE."""

from __future__ import annotations

from pathlib import Path

from drawn_things import draw, things_of
from layouts import Found, Layout
from layouts_of_data_sets import caption
from user_folders import write

_REVIEWS = (
    ("Die Lieferung war schnell; alles ist heil angekommen.", "positiv"),
    ('Der Händler schreibt "neu", das Gerät ist aber gebraucht.', "negativ"),
    ("Sehr zufrieden.\r\nGerne wieder!", "positiv"),
    ("Nach zwei Tagen kaputt – nie wieder.", "negativ"),
)


def write_vqa(root: Path) -> None:
    """VQA v2: questions, answers, pairs of questions, and questions without answers."""
    head = {
        "info": {"description": "This is v2.0 of the VQA dataset.", "url": "http://visualqa.org", "version": "2.0",
                 "year": 2017, "contributor": "VQA Team", "date_created": "2017-04-26 17:07:13"},
        "license": {"url": "http://creativecommons.org/licenses/by/4.0/",
                    "name": "Creative Commons Attribution 4.0 International License"},
        "data_type": "mscoco",
    }  # fmt: skip
    for part, numbers in {"train2014": range(1, 10), "val2014": range(10, 13)}.items():
        questions, annotations = [], []
        for number in numbers:
            (name, *_) = (thing.name for thing in draw(root / part / f"COCO_{part}_{number:012d}.jpg", number))
            for place, (question, answer) in enumerate(
                [("What animal is this?", name), ("How many animals are there?", str(len(things_of(number))))]
            ):
                identity = 1000 * number + place
                questions.append({"image_id": number, "question": question, "question_id": identity})
                annotations.append(
                    {"question_type": "what animal is" if not place else "how many", "multiple_choice_answer": answer,
                     "answers": [{"answer": answer, "answer_confidence": "yes", "answer_id": one + 1}
                                 for one in range(10)],
                     "image_id": number, "answer_type": ("other", "number")[place], "question_id": identity}
                )  # fmt: skip
        about = {**head, "task_type": "Open-Ended", "data_subtype": part}
        write(root / f"v2_OpenEnded_mscoco_{part}_questions.json", {**about, "questions": questions})
        write(root / f"v2_mscoco_{part}_annotations.json", {**head, "data_subtype": part, "annotations": annotations})
        write(root / f"v2_mscoco_{part}_complementary_pairs.json", [[1000, 2000], [3000, 4000]])
    asked = [{"image_id": 90, "question": "Is it day?", "question_id": 90000}]
    write(
        root / "v2_OpenEnded_mscoco_test2015_questions.json",
        {**head, "task_type": "Open-Ended", "data_subtype": "test2015", "questions": asked},
    )


def write_llava(root: Path) -> None:
    """LLaVA's instructions: images in the folders of their data sets, and conversations without an image."""
    rows: list[dict[str, object]] = []
    for number in range(1, 13):
        place = f"coco/train2017/{number:012d}.jpg"
        draw(root / place, number)
        rows.append(
            {"id": f"{number:012d}", "image": place, "conversations": [
                {"from": "human", "value": "<image>\nWhat is in the image?\nAnswer with a short sentence."},
                {"from": "gpt", "value": caption(number)},
                {"from": "human", "value": "How many animals are there?"},
                {"from": "gpt", "value": f"There are {len(things_of(number))}."},
            ]}
        )  # fmt: skip
    talk = [{"from": "human", "value": "Write a poem."}, {"from": "gpt", "value": "Roses are red."}]
    rows.append({"id": "wgByO4Y_0", "model": "", "conversations": talk})
    write(root / "llava_v1_5_mix665k.json", rows)


def write_flickr8k(root: Path) -> None:
    """Flickr8k as Kaggle has it: captions.txt is a CSV with five sentences for each image."""
    rows = ["image,caption"]
    for number in range(12):
        name = f"{1000268201 + number}_693b08cb0e.jpg"
        draw(root / "Images" / name, number)
        rows += [f'{name},"{caption(number)[:-1]} , seen from above ."' for _ in range(5)]
    write(root / "captions.txt", "\n".join(rows) + "\n")


def write_excel_csv(root: Path) -> None:
    """Excel of a German Windows, "CSV UTF-8": semicolons, a byte-order mark, and lines within quotes."""
    rows = ["Text;Label"]
    for number in range(20):
        text, label = _REVIEWS[number % 4]
        quoted = text.replace('"', '""')
        rows.append(f'"{quoted} ({number})";{label}')
    root.mkdir()
    (root / "Bewertungen.csv").write_bytes("\ufeff".encode() + ("\r\n".join(rows) + "\r\n").encode())


def write_excel_unicode(root: Path) -> None:
    """Excel, "Unicode Text": UTF-16 with tabs."""
    rows = ["text\tlabel"]
    rows += [
        f"{('Great film', 'Boring film')[number % 2]} {number}\t{('pos', 'neg')[number % 2]}" for number in range(20)
    ]
    root.mkdir()
    (root / "reviews.txt").write_bytes(("\r\n".join(rows) + "\r\n").encode("utf-16"))


def write_sst2(root: Path) -> None:
    """GLUE's SST-2: the test part has no labels, and original/ has the tree bank that it is from."""
    films = ("hide new secretions from the parental units ", "a gripping , moving film ")
    for part, count in (("train", 16), ("dev", 4)):
        rows = ["sentence\tlabel", *(f"{films[number % 2]}{number} \t{number % 2}" for number in range(count))]
        write(root / "SST-2" / f"{part}.tsv", "\n".join(rows) + "\n")
    rows = ["index\tsentence", *(f"{number}\tuneasy mishmash of styles and genres {number} ." for number in range(4))]
    write(root / "SST-2" / "test.tsv", "\n".join(rows) + "\n")
    original = root / "SST-2" / "original"
    write(original / "README.txt", "Stanford Sentiment Treebank V1.0\n\n" + "This is the dataset of the paper.\n" * 4)
    write(original / "datasetSentences.txt", "sentence_index\tsentence\n1\tThe Rock is destined to be great .\n")
    write(original / "datasetSplit.txt", "sentence_index,splitset_label\n1,1\n")
    write(original / "dictionary.txt", "!|0\n! '|22935\n! ''|18235\n")
    write(original / "sentiment_labels.txt", "phrase ids|sentiment values\n0|0.5\n1|0.5\n2|0.44444\n")
    write(original / "STree.txt", "70|70|68|67|63|62|61\n71|70|69|69|67\n")
    write(original / "SOStr.txt", "The|Rock|is|destined\nThe|gorgeously|elaborate\n")


LAYOUTS = (
    Layout(
        "VQA v2", write_vqa,
        (Found("vqa", "question answering", {"train": 18, "val": 6}, (), ("val2014/COCO_val2014_000000000010.jpg",),
               "What animal is this?"),),
        told=(
            "v2_OpenEnded_mscoco_test2015_questions.json", "v2_mscoco_train2014_complementary_pairs.json and 1 more",
        ),
    ),
    Layout(
        "LLaVA, conversations", write_llava,
        (Found("vqa", "question answering", {"": 24}, (), ("coco/train2017/000000000001.jpg",),
               "What is in the image?"),),
    ),
    Layout(
        "Flickr8k, Kaggle", write_flickr8k,
        (Found("caption", "captioning", {"": 12}, (), ("Images/1000268201_693b08cb0e.jpg",)),),
    ),
    Layout(
        "Excel, CSV UTF-8", write_excel_csv,
        (Found("sentence", "sentences", {"": 20}, ("negativ", "positiv"), (), "Sehr schnell; danke!"),),
    ),
    Layout(
        "Excel, Unicode Text", write_excel_unicode,
        (Found("sentence", "sentences", {"": 20}, ("neg", "pos"), (), "A great film"),),
    ),
    Layout(
        "GLUE, SST-2", write_sst2,
        (Found("sst2", "sentences", {"train": 16, "test": 4}, ("negative", "positive"), (), "a moving film"),),
        told=("SST-2/test.tsv",),
    ),
)  # fmt: skip
