"""Makes the toys importable as `toys`, here and in the processes that tests start."""

import sys
from pathlib import Path

TESTS = str(Path(__file__).parent.parent)
if TESTS not in sys.path:
    sys.path.insert(0, TESTS)
