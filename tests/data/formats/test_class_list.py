import time

import pytest

from motet.core import DataError
from motet.data.formats.class_list import read_class_names, read_keypoint_values

FORMS = {
    "mapping": "train: images\nnames:\n  0: person  # one\n  1: 'traffic light'\nnc: 2\n",
    "unordered mapping": "names: {1: traffic light, 0: person}\n",
    "list": 'names:\n- person\n- "traffic light"\nnc: 2\n',
    "indented list": "names:\n  - person\n  - traffic light\n",
    "flow list": "nc: 2\nnames: ['person', \"traffic light\"]  # two\n",
    "flow list on two lines": "names: [person,\n  traffic light]\nval: x\n",
    "anchor": "all: &all [person, traffic light]\nnames: *all\n",
    "windows": "names:\r\n- person\r\n- traffic light\r\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_of_yaml_give_the_same_names(tmp_path, write, form):
    assert read_class_names(write(tmp_path / "data.yaml", FORMS[form])) == ("person", "traffic light")


@pytest.mark.parametrize(
    ("name", "content", "values"),
    [
        ("data.yaml", "names: [a]\nkpt_shape: [17, 3]\n", 51),
        ("data.yaml", "names: [a]\nkpt_shape:\n- 4\n- 2\n", 8),
        ("data.yaml", "names: [a]\nkpt_shape: [x, 3]\n", 0),
        ("data.yaml", "names: [a]\n", 0),
        ("data.yaml", "[a]\n", 0),
        ("classes.txt", "a\n", 0),
    ],
)
def test_keypoints_of_pose_labels(tmp_path, write, name, content, values):
    assert read_keypoint_values(write(tmp_path / name, content)) == values


def test_names_that_yaml_takes_for_other_types_stay_texts(tmp_path, write):
    path = write(tmp_path / "data.yml", "names: [no, on, 01, 1.50, null, 2024-01-01, it''s, 'it''s']\n")
    assert read_class_names(path) == ("no", "on", "01", "1.50", "null", "2024-01-01", "it''s", "it's")


def test_names_of_a_text_file_are_its_lines(tmp_path, write):
    assert read_class_names(write(tmp_path / "coco.names", "person\n\n traffic light \n")) == (
        "person",
        "traffic light",
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nc: 2\n", "key 'names': got a file without it"),
        ("- person\n", "key 'names': got a file without it"),
        ("", "key 'names': got a file without it"),
        ("names:\n", "names: got none; want at least one class"),
        ("names: []\n", "names: got none; want at least one class"),
        ("names: person\n", "names: got a single text; want a list of classes"),
        ("names: [person, person]\n", r"names: got \['person'\] more than once"),
        ("names: [person, [car]]\n", "names: got a list as a class; want a text"),
        ("names: [person, '']\n", "names: got an empty text as a class"),
        ("names: {1: person}\n", "names: got the number 1; want 0, since numbers count from 0"),
        ("names: {0: person, 2: car}\n", "names: got the number 2; want 1, since numbers count from 0"),
        ("names: {person: 0}\n", "names: got 'person'; want 0, since numbers count from 0"),
        ("names: [person\n", "YAML: got expected .* at column 1; want a whole YAML file .*row 1"),
        ("a: b: c\nnames: [person]\n", "YAML: got mapping values are not allowed here at column 5; .*row 0"),
        ("names: *nowhere\n", "YAML: got found undefined alias"),
        ("names: \x01\n", "YAML: got .* want a whole YAML file"),
        ("names: &a [*a]\n", "YAML: got found unconstructable recursive node"),
        ("names: " + 2000 * "[", "YAML: got lists nested too deeply"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line_that_names_it(tmp_path, write, content, message):
    path = write(tmp_path / "data.yaml", content)
    with pytest.raises(DataError, match=message) as caught:
        read_class_names(path)
    assert "\n" not in str(caught.value)
    assert "data.yaml" in str(caught.value)


def test_a_python_tag_runs_nothing(tmp_path, write):
    proof = tmp_path / "proof"
    path = write(tmp_path / "data.yaml", f"names: !!python/object/apply:os.system ['touch {proof}']\n")
    assert read_class_names(path) == (f"touch {proof}",)
    assert not proof.exists()


def test_aliases_that_multiply_are_refused_at_once_and_not_printed(tmp_path, write):
    levels = "".join(f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]\n" for level in range(1, 60))
    path = write(tmp_path / "data.yaml", f"l0: &l0 [person]\n{levels}names: *l59\n")
    start = time.process_time()
    with pytest.raises(DataError, match="names: got a list as a class; want a text"):
        read_class_names(path)
    assert time.process_time() - start < 5


def test_a_yaml_that_is_too_large_is_not_parsed(tmp_path, write):
    path = write(tmp_path / "data.yaml", f"names: [person]\n#{'x' * 1024**2}\n")
    with pytest.raises(DataError, match=r"YAML: got 1,048,.* characters; want at most 1,048,576"):
        read_class_names(path)
