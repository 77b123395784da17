"""Check whether a Ray cluster accepts connections without a token."""

import os

from pmsgan.child import call_in_child
from pmsgan.errors import ChildError, ConfigError, EngineError

_ANSWER_TIMEOUT_S = 10.0
_TIMEOUT_S = 60.0
"""Time to import Ray and for all its attempts to connect [s]."""


def refuse_open_cluster(address: str) -> None:
    """Raise if a cluster answers somebody who has no token.

    Anyone who reaches such a cluster can run code on all of it, and read what a run sends there.
    Having a token proves nothing: a cluster that asks for none accepts any. So a process without a
    token asks, which also recognises a cluster with another kind of authentication.

    Args:
        address: of the cluster, HOST:PORT.

    Raises:
        ConfigError: it answered.
        EngineError: this cannot be determined, since it did not answer as Ray does.
    """
    try:
        is_open = call_in_child(_answers_a_stranger, address, timeout_s=_TIMEOUT_S)
    except ChildError as error:
        raise EngineError(
            f"cannot determine whether the Ray cluster {address} asks for a token: {error}"
        ) from error
    if is_open:
        raise ConfigError(
            f"the Ray cluster {address} asks for no token, so anyone who can reach it can run code "
            "on its machines: start Ray with RAY_AUTH_MODE=token on every machine, or give "
            "--insecure-cluster"
        )


def _answers_a_stranger(address: str) -> bool:
    """Ask a cluster for its machines, without a token; Ray reads its mode once in a process."""
    os.environ["RAY_AUTH_MODE"] = "disabled"
    from ray._raylet import GcsClient  # type: ignore[attr-defined]  # it is compiled
    from ray.exceptions import AuthenticationError

    try:
        GcsClient(address=address).get_all_node_info(timeout=_ANSWER_TIMEOUT_S)
    except AuthenticationError:
        return False
    return True
