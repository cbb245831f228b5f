"""Puts the runner of the foreign system into the process that imports this, and offers its processes.

FOREIGN_SYSTEM: URL of that system.  FOREIGN_PATIENCE_S: how long it may stay away.
"""

import os
from dataclasses import replace

from tests.support.foreign.runner import KIND, ForeignRunner
from weaver_like import wiring
from weaver_like.jobs import following
from weaver_like.runtime import Runtime
from weaver_like.settings import Settings
from weaver_like.sources.base import Source
from weaver_like.sources.plugins import PluginSource
from weaver_like.stores.base import DeploymentStore

_build, _sources = wiring.build, wiring._sources


def build(settings: Settings, serving: bool = False) -> Runtime:
    following._PATIENCE_S = float(os.environ.get("FOREIGN_PATIENCE_S", following._PATIENCE_S))
    runtime = _build(settings, serving)
    runner = ForeignRunner(KIND, os.environ["FOREIGN_SYSTEM"], stages_inputs=False)
    return replace(runtime, runners={**runtime.runners, KIND: runner})


def sources(settings: Settings, deployments: DeploymentStore) -> list[Source]:
    offered = PluginSource([settings.data_dir / "foreign"], settings.cache_dir / "foreign.json", KIND)
    return [*_sources(settings, deployments), offered]


wiring.build, wiring._sources = build, sources
