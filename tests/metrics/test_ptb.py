from motet.metrics.ptb import tokenise


def test_only_punctuation_leaves_nothing() -> None:
    assert tokenise("... , -- ''  \" ! ?") == []
    assert tokenise("") == []


def test_brackets_stay_since_the_official_list_misses_their_lower_case() -> None:
    assert tokenise("(left)") == ["-lrb-", "left", "-rrb-"]


def test_several_signs_in_a_row_stay_since_only_single_ones_are_dropped() -> None:
    assert tokenise("what?! no!") == ["what", "?!", "no"]


def test_a_full_stop_stays_with_abbreviations_and_initials_only() -> None:
    assert tokenise("Mr. A. lives at St. Mary's.") == ["mr.", "a.", "lives", "at", "st.", "mary", "'s"]
