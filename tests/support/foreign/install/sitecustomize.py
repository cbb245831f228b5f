"""On PYTHONPATH, this puts the runner of the foreign system into every server, Celery worker and nursery."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[4]))

from tests.support.foreign import installed  # noqa: F401
from weaver_like.warm import NURSERY

NURSERY._modules.insert(0, "tests.support.foreign.installed")
