from motet.data.class_names.coco_stuff import COCO_STUFF_NAMES


def test_there_are_182_different_names_things_before_stuff():
    assert len(set(COCO_STUFF_NAMES)) == len(COCO_STUFF_NAMES) == 182
    assert (COCO_STUFF_NAMES[0], COCO_STUFF_NAMES[90], COCO_STUFF_NAMES[181]) == ("person", "hair brush", "wood")
