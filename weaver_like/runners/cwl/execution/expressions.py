"""JavaScript expressions of CWL by QuickJS: no node, no I/O, bounded time and memory."""

import json
from typing import Any

# The package `quickjs` around it starts a thread when it is imported; a zygote forks, and must have no other thread.
import _quickjs
from cwl_utils import sandboxjs
from cwl_utils.errors import JavascriptException

_MEMORY_BYTES = 256 * 2**20
_STACK_BYTES = 1 << 20
#: Seconds of processor for one expression.
_TIME_S = 10
_RESULT_CHARACTERS = 16 * 2**20


class QuickJsEngine(sandboxjs.NodeJSEngine):
    """Simple parameter references are read without JavaScript, as in the base class."""

    def eval(self, scan: str, jslib: str = "", *_options: Any, **_named_options: Any) -> Any:
        """Raises: JavascriptException, also for an expression that takes too much time or memory."""
        context = _quickjs.Context()
        context.set_memory_limit(_MEMORY_BYTES)
        context.set_max_stack_size(_STACK_BYTES)
        context.set_time_limit(_TIME_S)
        context.set("fragment", sandboxjs.code_fragment_to_js(scan, jslib))
        try:
            text = context.eval("JSON.stringify((0, eval)(fragment))")
        except _quickjs.JSException as error:
            raise JavascriptException(f"{_reason(error)} in the expression: {scan.strip()[:1000]}") from error
        if text is None:
            return None
        if len(text) > _RESULT_CHARACTERS:
            raise JavascriptException(
                f"more than {_RESULT_CHARACTERS} characters came out of the expression: {scan.strip()[:1000]}"
            )
        return json.loads(text)


def _reason(error: Exception) -> str:
    text = str(error).strip()
    if "interrupted" in text:
        return f"more than {_TIME_S} s of processor were used"
    if not text or text == "null" or "out of memory" in text:
        return f"more than {_MEMORY_BYTES >> 20} MiB were used"
    return text


def use_quickjs() -> None:
    """From now on every expression of this process is evaluated here."""
    sandboxjs.set_js_engine(QuickJsEngine())
