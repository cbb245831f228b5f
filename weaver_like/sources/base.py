"""Interface of sources: where processes come from."""
from abc import ABC, abstractmethod
from collections.abc import Hashable

from weaver_like.domain.process import Plugin


class Source(ABC):
    @abstractmethod
    def signature(self) -> Hashable:
        """Something cheap that changes when the offer changes."""

    @abstractmethod
    def collect(self) -> list[Plugin]:
        """Everything on offer; what is broken comes with its error and hurts nothing else."""
