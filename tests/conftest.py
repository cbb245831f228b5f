"""Fixtures of all tests: real services and what they need; nothing is replaced."""

import pytest

pytest.register_assert_rewrite("tests.support")

pytest_plugins = [
    "tests.support.options",
    "tests.support.services",
    "tests.support.systems",
    "tests.support.applications",
    "tests.support.browser",
    "tests.support.client",
    "tests.support.disks",
    "tests.support.plugin_makers",
    "tests.support.s3_server",
    "tests.support.site",
]
