"""What the author of a process imports: `from weaver_like.authoring import process, Input, Output, File, ...`.

A typed Python function becomes a process; docs/processes.rst shows how.
"""

from weaver_like.authoring.context import Cancelled, Context, InputError
from weaver_like.authoring.declare import Declaration, Input, Output, process
from weaver_like.authoring.types import BoundingBox, File

__all__ = ["BoundingBox", "Cancelled", "Context", "Declaration", "File", "Input", "InputError", "Output", "process"]
