"""`ServerService`: the state of the server itself."""

from weaver_like.jobs.health import Health
from weaver_like.runtime import Runtime


class ServerService:
    """Answers questions of load balancers and container managers."""

    def __init__(self, runtime: Runtime, health: Health):
        self._rt = runtime
        self._health = health

    def look(self) -> dict[str, str]:
        """Part -> "ok" or the reason of its trouble; takes at most about three seconds."""
        return self._health.look()

    @property
    def stopping(self) -> bool:
        """Whether a stop has begun."""
        return self._rt.serving_engine.closing
