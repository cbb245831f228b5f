"""All sections together, and values derived from them."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from weaver_like.domain.errors import SettingError
from weaver_like.settings.sections import (
    CelerySettings,
    EngineSettings,
    FilesSettings,
    JobsSettings,
    LimitsSettings,
    LogSettings,
    PackagesSettings,
    PluginsSettings,
    ProcessesSettings,
    SandboxSettings,
    SecuritySettings,
    ServerSettings,
    StoreSettings,
)

#: As browsers send it, in lower case. Source: RFC 6454 section 6.2.
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?\Z")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True)
class Settings:
    """All sections; docs/settings.rst is made from them."""

    server: ServerSettings = ServerSettings()
    store: StoreSettings = StoreSettings()
    engine: EngineSettings = EngineSettings()
    celery: CelerySettings = CelerySettings()
    files: FilesSettings = FilesSettings()
    security: SecuritySettings = SecuritySettings()
    plugins: PluginsSettings = PluginsSettings()
    processes: ProcessesSettings = ProcessesSettings()
    packages: PackagesSettings = PackagesSettings()
    sandbox: SandboxSettings = SandboxSettings()
    jobs: JobsSettings = JobsSettings()
    limits: LimitsSettings = LimitsSettings()
    log: LogSettings = LogSettings()

    @property
    def data_dir(self) -> Path:
        return self.files.data_dir.expanduser().resolve()

    @property
    def outputs_dir(self) -> Path:
        """Folder of results, unless they are kept on S3."""
        given = self.files.outputs_dir
        if not given:
            return self.data_dir / "outputs"
        return Path(given).expanduser().resolve()

    @property
    def outputs_s3(self) -> tuple[str, str] | None:
        """Bucket and prefix (may be empty) of results, if they are kept on S3.

        Raises: SettingError.
        """
        given = self.files.outputs_dir
        if not given.startswith("s3:"):
            return None
        bucket, _, prefix = given.removeprefix("s3://").partition("/")
        if not bucket or ":" in bucket:
            raise SettingError(f"Setting 'files.outputs_dir': expected a folder or s3://bucket/prefix, got '{given}'.")
        return bucket, prefix.strip("/")

    @property
    def work_dir(self) -> Path:
        """Folder for the work folders of running jobs; not shared with other machines.

        By default they share a file system with the outputs, so that publishing copies nothing.
        """
        return self.data_dir / "work"

    @property
    def cache_dir(self) -> Path:
        """Folder for what can be made again: descriptions of plugins, files of deployed packages."""
        return self.data_dir / "cache"

    @property
    def step_cache_dir(self) -> Path:
        """Folder for outputs of steps, kept for reuse; confined commands do not see it."""
        return self.cache_dir / "steps"

    @property
    def store_url(self) -> str:
        return self.store.url or f"sqlite:///{self.data_dir}/weaver_like.sqlite"

    @property
    def plugin_folders(self) -> list[Path]:
        return _paths(self.plugins.folders) or [self.data_dir / "plugins"]

    @property
    def file_roots(self) -> list[Path]:
        return _paths(self.security.file_roots)

    @property
    def images(self) -> dict[str, str]:
        """Container image -> local folder that stands in for it.

        Raises: SettingError.
        """
        found = {}
        for pair in self.sandbox.images.split(","):
            if not pair.strip():
                continue
            image, _, folder = (part.strip() for part in pair.rpartition("="))
            if not image or not Path(folder).is_dir():
                raise SettingError(
                    f"Setting 'sandbox.images': expected image=folder with an existing folder, got '{pair.strip()}'."
                )
            found[image] = str(Path(folder).resolve())
        return found

    @property
    def s3_buckets(self) -> list[str]:
        return self.security.s3_buckets.replace(",", " ").split()

    @property
    def cors_origins(self) -> frozenset[str]:
        """Origins as browsers spell them, and "*".

        Raises: SettingError.
        """
        return frozenset(map(_parse_origin, self.security.cors_origins.replace(",", " ").split()))

    @property
    def workers(self) -> int:
        return self.engine.workers or os.cpu_count() or 1


def _paths(text: str) -> list[Path]:
    return [Path(name).expanduser().resolve() for name in text.split(":") if name]


def _parse_origin(text: str) -> str:
    """`null` is refused: it is the origin of every sandboxed page, also of HTML that a job made."""
    if text == "*":
        return text
    found = _ORIGIN.match(text.lower().rstrip("/"))
    if not found:
        raise SettingError(f"Setting 'security.cors_origins': expected scheme://host[:port] or *, got '{text}'.")
    scheme, host, port = found.groups(default="")
    if port == _DEFAULT_PORTS.get(scheme):
        port = ""
    return f"{scheme}://{host}{port}"
