"""Fixtures that several files of this folder share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from webtest import TestApp

from tests.support.plugin_makers import source, write
from tests.support.s3_server import S3Server


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    write(tmp_path / "plugins", {"files.py": source("files")})
    return tmp_path / "plugins"


@pytest.fixture
def bucket(s3: S3Server) -> str:
    return s3.make_bucket()


@pytest.fixture
def on_s3(make_app: Callable, plugins: Path, s3: S3Server, bucket: str) -> Callable[..., TestApp]:
    """An application whose results live on S3; inputs may come from `<bucket>/in`."""

    def make(*overrides: str, **more: object) -> TestApp:
        return make_app(
            f"plugins.folders={plugins}",
            f"files.outputs_dir=s3://{bucket}/results/",
            f"files.s3_endpoint={s3.url}",
            f"security.s3_buckets={bucket}/in",
            *overrides,
            **more,
        )

    return make
