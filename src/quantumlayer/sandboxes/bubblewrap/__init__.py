"""Sandbox by bubblewrap: unprivileged user, own namespaces, seccomp, cgroup limits."""

from quantumlayer.sandboxes.bubblewrap.adapter import BubblewrapSandbox

__all__ = ["BubblewrapSandbox"]
