"""What the deployment files say of our settings."""

from collections.abc import Mapping

from weaver_like.settings import declared

KNOWN = {"WEAVER_LIKE_" + name.replace(".", "_").upper() for name, _ in declared()}


def unknown_settings(environment: Mapping[str, str]) -> list[str]:
    """Variables of ours that neither are a setting nor name the file of one."""
    return [
        name
        for name in environment
        if name.startswith("WEAVER_LIKE_") and name not in KNOWN and name.removesuffix("_FILE") not in KNOWN
    ]


def close_grace_s(environment: Mapping[str, str], default: float) -> float:
    return float(environment.get("WEAVER_LIKE_ENGINE_CLOSE_GRACE_S", default))
