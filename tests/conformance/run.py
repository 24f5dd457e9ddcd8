"""Runs the published Python SDK, unmodified, against a real `holdfast serve`.

Usage: run.py PATH-OF-HOLDFAST. The tests are in test_*.py; how the service is started is in service.py.
"""

import os
import sys
import unittest
from pathlib import Path

import service
import sdk


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    service.PROGRAM = Path(sys.argv[1]).resolve()
    if not os.access(service.PROGRAM, os.X_OK):
        print(f"{service.PROGRAM} is not there; `cargo xtask test` builds it", file=sys.stderr)
        return 2
    here = Path(__file__).parent
    suite = unittest.defaultTestLoader.discover(str(here), pattern="test_*.py")
    # Last, because it looks at what all the others have called.
    suite.addTest(sdk.EveryMethodWasCalled())
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    return 0 if result.wasSuccessful() and result.testsRun > 1 else 1


if __name__ == "__main__":
    sys.exit(main())
