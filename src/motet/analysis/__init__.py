"""Analyses of a trained system beyond its scores: interference of tasks, task groups, consistency of predictions."""
