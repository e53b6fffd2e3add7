from motet.data.class_names.ade20k import ADE20K_NAMES


def test_there_are_150_different_names_in_the_published_order():
    assert len(set(ADE20K_NAMES)) == len(ADE20K_NAMES) == 150
    assert (ADE20K_NAMES[0], ADE20K_NAMES[12], ADE20K_NAMES[149]) == ("wall", "person", "flag")
