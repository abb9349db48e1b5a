"""Attempts on the kernel: mounts, namespaces, tracing, keys, devices, privileges."""

from quantumlayer.conformance.sandbox.lab import Lab, expect
from quantumlayer.conformance.trials import Trial


async def mount_things(lab: Lab) -> None:
    """By the old and the new calls; changing the root; making read-only places writable."""
    await lab.attack("""
os.makedirs("/tmp/m", exist_ok=True)
def mount(*a):
    if libc.mount(*a) == 0:
        escaped(f"mount {a}")
mount(b"none", b"/tmp/m", b"tmpfs", 0, None)
mount(b"/", b"/tmp/m", None, 4096, None)
mount(None, b"/", None, 32, None)
mount(None, b"/usr", None, 32 | 4096, None)
mount(b"proc", b"/tmp/m", b"proc", 0, None)
if libc.umount2(b"/proc", 2) == 0: escaped("umount /proc")
if libc.umount2(b"/dev/shm", 2) == 0: escaped("umount /dev/shm")
call("pivot_root", 155, 41, b"/tmp", b"/tmp/m")
call("open_tree", 428, 428, -100, b"/", 1)
call("move_mount", 429, 429, -100, b"/tmp", -100, b"/tmp/m", 0)
call("fsopen", 430, 430, b"tmpfs", 0)
call("fspick", 433, 433, -100, b"/", 0)
call("mount_setattr", 442, 442, -100, b"/", 0, 0, 0)
attempt("chroot", lambda: os.chroot("/tmp"))
for place in ("/x", "/usr/x", "/etc/x", "/dev/x", "/proc/x", "/bin/x", "/lib/x", "/run/x"):
    attempt("write " + place, lambda: open(place, "w"))
""")


async def make_namespaces(lab: Lab) -> None:
    """A user namespace of one's own would bring capabilities back."""
    await lab.attack("""
for name, flag in (("user", 0x10000000), ("mount", 0x20000), ("net", 0x40000000), ("pid", 0x20000000), ("uts", 0x4000000)):
    if libc.unshare(flag) == 0: escaped("unshare " + name)
    pid = libc.syscall(220 if ARM else 56, flag | 17, 0, 0, 0, 0)
    if pid == 0: os._exit(0)
    if pid > 0: escaped("clone " + name)
for kind in ("user", "mnt", "net", "pid"):
    descriptor = os.open(f"/proc/1/ns/{kind}", os.O_RDONLY) if os.access(f"/proc/1/ns/{kind}", os.R_OK) else 0
    if libc.setns(descriptor, 0) == 0: escaped("setns " + kind)
""")


async def trace_processes(lab: Lab) -> None:
    """Even of one's own processes: tracing is a way around filters."""
    await lab.attack("""
child = os.fork()
if child == 0:
    time.sleep(5)
    os._exit(0)
if libc.ptrace(16, child, None, None) == 0: escaped("ptrace attach")
if libc.ptrace(0x4206, child, None, None) == 0: escaped("ptrace seize")
if libc.ptrace(0, 0, None, None) == 0: escaped("ptrace traceme")
call("process_vm_readv", 310, 270, child, 0, 0, 0, 0, 0)
call("pidfd_getfd", 438, 438, os.pidfd_open(child), 0, 0)
call("kcmp", 312, 272, child, child, 0, 0, 0)
os.kill(child, 9)
""")


async def use_kernel_interfaces(lab: Lab) -> None:
    """Keys, BPF, performance events, io_uring, user faults, modules, handles, personality."""
    await lab.attack("""
buffer = ctypes.create_string_buffer(256)
call("add_key", 248, 217, b"user", b"x", b"y", 1, -3)
call("request_key", 249, 218, b"user", b"x", None, -3)
call("keyctl", 250, 219, 0, -3, 1)
call("bpf", 321, 280, 0, buffer, 128)
call("perf_event_open", 298, 241, buffer, 0, -1, -1, 0)
call("userfaultfd", 323, 282, 1)
call("io_uring_setup", 425, 425, 8, buffer)
call("init_module", 175, 105, buffer, 256, b"")
call("finit_module", 313, 273, 0, b"", 0)
call("kexec_load", 246, 104, 0, 0, 0, 0)
call("name_to_handle_at", 303, 264, -100, b"/tmp", buffer, buffer, 0)
call("open_by_handle_at", 304, 265, 0, buffer, 0)
call("personality", 135, 92, 0x0040000)
call("quotactl", 179, 60, 0, 0, 0, 0)
call("swapon", 167, 224, b"/work/x", 0)
call("syslog", 103, 116, 3, buffer, 10)
call("settimeofday", 164, 170, buffer, 0)
attempt("set the host name", lambda: socket.sethostname("x"))
""")


async def push_terminal_input(lab: Lab) -> None:
    """TIOCSTI and TIOCLINUX, on whatever terminal there may be, and one made for it."""
    await lab.attack("""
import fcntl, pty
def push(fd):
    for request in (0x5412, 0x541C, 0x100005412):
        if libc.ioctl(fd, ctypes.c_ulong(request), b"x") == 0: escaped(f"ioctl {request:x}")
for fd in (0, 1, 2):
    push(fd)
attempt("the host's terminal", lambda: os.open("/dev/tty", os.O_RDWR))
try:
    ours, theirs = pty.openpty()
    push(theirs)
except OSError:
    pass
""")


async def open_devices(lab: Lab) -> None:
    """Disks, memory, kernel log, kernel settings; device nodes made by oneself."""
    await lab.attack("""
harmless = {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"}
for folder, _, names in os.walk("/dev"):
    for name in names:
        path = os.path.join(folder, name)
        kind = os.lstat(path).st_mode
        if (stat.S_ISBLK(kind) or stat.S_ISCHR(kind)) and name not in harmless and not folder.startswith("/dev/pts"):
            escaped("device " + path)
for place in ("/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/vda", "/dev/sda", "/dev/fuse", "/proc/kcore", "/proc/kmsg"):
    attempt("read " + place, lambda: open(place, "rb").read(1))
for place in ("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sysrq-trigger", "/proc/sys/vm/drop_caches",
              "/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent", "/proc/1/oom_score_adj"):
    attempt("write " + place, lambda: os.write(os.open(place, os.O_WRONLY), b"-1000" if "oom" in place else b"x"))
for kind in (stat.S_IFBLK, stat.S_IFCHR):
    attempt("make a device", lambda: os.mknod("/work/device", kind | 0o666, os.makedev(1, 1)))
    attempt("make a device", lambda: os.mknod("/tmp/device", kind | 0o666, os.makedev(1, 1)))
""")


async def gain_privileges(lab: Lab) -> None:
    """Set-uid programs, capabilities, other identities."""
    completed = await lab.attack("""
for identity in (0, 1, 65534):
    attempt(f"become {identity}", lambda: os.setuid(identity))
    attempt(f"group {identity}", lambda: os.setgroups([identity]))
for pid in (p for p in os.listdir("/proc") if p.isdigit()):
    status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status").read().splitlines())
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        if int(status[name], 16): escaped(f"process {pid} has {name}{status[name]}")
    if status["NoNewPrivs"].strip() != "1": escaped(f"process {pid} may gain privileges")
    if status["Seccomp"].strip() != "2": escaped(f"process {pid} has no system call filter, and its memory is open to us")
if os.getuid() == 0: escaped("we are root inside")
os.environ["PATH"] = "/usr/bin:/bin"
for program in ("su", "sudo", "mount", "newgrp", "pkexec"):
    def become_root():
        ran = subprocess.run([program, "-c", "id"], capture_output=True, stdin=subprocess.DEVNULL, timeout=5)
        assert b"uid=0" in ran.stdout
    attempt("set-uid " + program, become_root)
print(os.stat("/work").st_uid, os.getuid())
""")
    expect(len(completed.stdout.split()) == 3, "the check of privileges did not report")


TRIALS = (
    Trial("mount", "mount, remount or change the root", mount_things),
    Trial("namespaces", "make or enter namespaces", make_namespaces),
    Trial("ptrace", "trace processes or read their memory", trace_processes),
    Trial("kernel-interfaces", "use keys, BPF, io_uring, modules and other kernel interfaces", use_kernel_interfaces),
    Trial("terminal", "push input into a terminal", push_terminal_input),
    Trial("devices", "open or make devices, change kernel settings", open_devices),
    Trial("privileges", "gain privileges", gain_privileges),
)
