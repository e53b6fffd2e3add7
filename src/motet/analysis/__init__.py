"""Numbers about a trained system beyond its scores: who helps whom, what agrees with what."""
