from motet.data.class_names.cityscapes import CITYSCAPES_LABEL_IDS, CITYSCAPES_NAMES, cityscapes_class


def test_every_class_has_one_label_id_and_all_others_are_invalid():
    assert sorted(index for index in CITYSCAPES_LABEL_IDS if index >= 0) == list(range(19))
    assert set(CITYSCAPES_LABEL_IDS) == {-1, *range(19)}
    # The numbers of the official `labels.py`.
    assert [CITYSCAPES_LABEL_IDS[number] for number in (0, 7, 26, 29, 33)] == [-1, 0, 13, -1, 18]


def test_a_name_is_found_by_its_index():
    assert [cityscapes_class(name) for name in CITYSCAPES_NAMES] == list(range(19))
    assert cityscapes_class("lane marking") == -1
