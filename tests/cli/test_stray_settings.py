"""A setting typed without --set is told how to be typed, with the nearest field; other arguments as ever."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            ["train.stepz=5"],
            "got train.stepz=5; want settings with --set: --set train.stepz=5 "
            "(got no field 'stepz' in TrainConfig; did you mean 'steps'?)",
        ),
        (["train.steps=5"], "got train.steps=5; want settings with --set: --set train.steps=5"),
        (["train.steps=5", "a=b"], "--set train.steps=5 --set a=b (got no field 'a' in Run; known: balancer"),
        (["train.steps=five"], "--set train.steps=five (got 'five'; want a whole number)"),
        (["more"], "Got unexpected extra argument(s) (more) (see motet plan --help)"),
        (["train.steps=5", "more"], "Got unexpected extra argument(s) (train.steps=5 more) (see motet plan --help)"),
    ],
)
@pytest.mark.parametrize("command", ["plan"])
def test_a_setting_without_its_option_is_one_line(motet, recipe, command, typed, said):
    ran = motet(command, recipe, *typed)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_it_is_told_where_there_is_no_such_recipe_too(motet):
    assert "want settings with --set: --set a=1\n" in motet("train", "no_recipe:x", "a=1").err


def test_a_command_without_settings_does_not_speak_of_them(motet):
    assert "Got unexpected extra argument(s) (a=1)" in motet("predict", "runs/x", "a=1").err
