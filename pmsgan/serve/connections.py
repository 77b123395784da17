"""Bound connections, so that clients that only hold one open do not block others."""

import logging
from asyncio import Transport
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_CONNECTIONS = 512
REQUEST_S = 20.0
"""How long a connection may take to send the head of a request [s]."""
STUCK_S = 60.0
"""How long a client may read nothing of its answer [s]."""
CHECK_EVERY_S = 5.0
_WARN_EVERY_S = 60.0

_log = logging.getLogger(__name__)
_last_warning = float("-inf")


class BoundedProtocol(H11Protocol):
    """A connection of uvicorn that is closed when others need its place, or when it hangs.

    uvicorn alone ends connections that are idle after an answer; one that never sends a request, or
    never reads an answer, would stay forever.
    """

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin; where there are too many, end the connection that has waited longest."""
        super().connection_made(transport)
        self._heard_at = self._waits_since = self._wrote_at = self.loop.time()
        self._num_unsent = 0
        self._has_asked = False
        if len(self.connections) > MAX_CONNECTIONS:
            self._end_another()
        self.loop.call_later(CHECK_EVERY_S, self._end_if_stuck)

    def data_received(self, data: bytes) -> None:
        """Note when the client was last heard."""
        self._heard_at = self.loop.time()
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Note since when there is no request."""
        self._waits_since = self.loop.time()
        self._has_asked = True
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Log who sent a request that is not HTTP."""
        _log.info("%s sent a request that is not HTTP", (self.client or ("?",))[0])
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    def waiting_rank(self) -> tuple[bool, float] | None:
        """Return how soon it may end in favour of another; None while it serves a request."""
        cycle = self.cycle
        is_waiting = cycle is None or cycle.response_complete or cycle.more_body
        return (self._has_asked, self._heard_at) if is_waiting else None

    def _end_another(self) -> None:
        others = ((connection, _rank(connection)) for connection in self.connections)
        ranked = [
            (rank, id(connection), connection) for connection, rank in others if rank is not None
        ]
        ended = min(ranked)[2] if ranked else self
        self.connections.discard(ended)
        ended.transport.abort()
        _warn_full(self.loop.time())

    def _end_if_stuck(self) -> None:
        """End the connection if it hangs."""
        if self.transport.is_closing() and not self.transport.get_write_buffer_size():
            return
        now, cycle, num_unsent = (
            self.loop.time(),
            self.cycle,
            self.transport.get_write_buffer_size(),
        )
        if num_unsent == 0 or num_unsent != self._num_unsent:
            self._num_unsent, self._wrote_at = num_unsent, now
        has_request = cycle is not None and not cycle.response_complete
        if now - self._wrote_at > STUCK_S or (
            not has_request and now - self._waits_since > REQUEST_S
        ):
            self.transport.abort()
            return
        self.loop.call_later(CHECK_EVERY_S, self._end_if_stuck)


def _rank(connection: Any) -> tuple[bool, float] | None:
    return connection.waiting_rank()  # type: ignore[no-any-return]


def _warn_full(now: float) -> None:
    """Warn at most once in `_WARN_EVERY_S` that connections are closed; there may be thousands."""
    global _last_warning
    if now - _last_warning > _WARN_EVERY_S:
        _last_warning = now
        _log.warning(
            "%d connections are open: closing those that have been idle longest", MAX_CONNECTIONS
        )
