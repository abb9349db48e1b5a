"""What to do about the ways in which kernels and containers refuse a sandbox."""

_IN_A_CONTAINER = "in a container, start it with " + " ".join(
    f"--security-opt {option}=unconfined" for option in ("seccomp", "apparmor", "systempaths")
)
_HINTS = {
    "namespace": "allow unprivileged user namespaces: sysctl -w user.max_user_namespaces=10000 "
    f"kernel.apparmor_restrict_unprivileged_userns=0; {_IN_A_CONTAINER}",
    "uid map": _IN_A_CONTAINER,
    "/proc": _IN_A_CONTAINER,
    "source path": "as root the sandbox needs CAP_SYS_ADMIN to reach private folders: run QuantumLayer as an ordinary user, "
    "or start the container with --cap-add SYS_ADMIN",
}


def hint_for(problem: str) -> str:
    """The mend for a message of bwrap or the kernel, empty where none is known."""
    return next((hint for word, hint in _HINTS.items() if word in problem), "")
