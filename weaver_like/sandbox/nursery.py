"""The nursery: a warm, single-threaded process without secrets that forks workers and zygotes.

`python -I -m weaver_like.sandbox.nursery FD MODULE...` takes its orders from the socket FD (`sandbox.messages`). It has
imported the modules once, so a worker or a zygote costs a fork instead of a start of Python, and they share memory. It
never holds a credential: workers get their settings through sockets of their own. It alone signals and reaps what it
forked, so a process id is never signalled after it was reused. It ends when nobody can order any more and all that it
forked has ended.
"""

import gc
import importlib
import os
import select
import selectors
import signal
import socket
import sys
from dataclasses import dataclass
from typing import NoReturn

from weaver_like.sandbox import kernel
from weaver_like.sandbox.messages import TO_NURSERY, ForkMember, SignalMember, ToNursery, WarmModules
from weaver_like.sandbox.wire import Wire

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: Exit code of a member whose code failed.
_FAILED = 70


@dataclass(frozen=True, slots=True)
class _Member:
    """A process that was forked. told: descriptor on which whoever ordered it hears of it; a branch has none."""

    pid: int
    pidfd: int
    told: int | None


class _Nursery:
    """Forks those that need what it has imported, and hands others on to a branch.

    A branch is a nursery too, with more modules: the fork of a zygote takes the longer the more its memory holds.
    """

    def __init__(self, orders: socket.socket, tried: frozenset[str] = frozenset()):
        """tried: modules that it has imported, or could not: no branch of its own could either."""
        self._tried = tried
        self._orders: Wire[ToNursery, ToNursery] = Wire(orders, TO_NURSERY, TO_NURSERY, trusted=True)
        self._members: dict[int, _Member] = {}
        self._branches: dict[frozenset[str], Wire[ToNursery, ToNursery]] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._orders, selectors.EVENT_READ)

    def serve(self) -> None:
        while self._members or not self._orders.closed:
            for key, _ in self._selector.select():
                if key.data is None:
                    self._listen()
                else:
                    self._bury(key.data)

    def _listen(self) -> None:
        self._orders.fill()
        for order in self._orders.messages():
            match order:
                case ForkMember(descriptors=count):
                    given = self._orders.descriptors[:count]
                    del self._orders.descriptors[:count]
                    self._handle(order, given)
                case WarmModules(modules):
                    self._branch_with(modules)
                case SignalMember(pid, number):
                    self._signal(pid, number)
        if self._orders.closed:
            self._selector.unregister(self._orders)
            for branch in self._branches.values():
                branch.close()
            self._branches.clear()

    def _handle(self, order: ForkMember, given: list[int]) -> None:
        """The first descriptor is where its end is told, the others are its own."""
        try:
            branch = self._branch_with(order.warm)
            if branch is None:
                self._fork(order, given)
            else:
                branch.send(order, given)
        except OSError:  # no room for a process, or a branch has just died: whoever ordered hears an end at once
            sys.excepthook(*sys.exc_info())
        finally:
            for descriptor in given[1:] if given[0] in self._told() else given:
                os.close(descriptor)

    def _told(self) -> set[int | None]:
        return {member.told for member in self._members.values()}

    def _fork(self, order: ForkMember, given: list[int]) -> None:
        told, *own = given
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_member(order, own, parent)
        self._watch(pid, told)
        _tell(told, pid)

    def _watch(self, pid: int, told: int | None) -> None:
        member = _Member(pid, os.pidfd_open(pid), told)
        self._members[pid] = member
        self._selector.register(member.pidfd, selectors.EVENT_READ, member)

    def _branch_with(self, modules: tuple[str, ...]) -> Wire[ToNursery, ToNursery] | None:
        """A branch that has these modules, made if need be; None if they are here. Raises: OSError."""
        missing = frozenset(module for module in modules if module not in sys.modules) - self._tried
        if not missing:
            return None
        for known, branch in self._branches.items():
            if missing <= known:
                return branch
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_branch(theirs, missing, parent)
        theirs.close()
        self._watch(pid, None)
        branch = self._branches[missing] = Wire(ours, TO_NURSERY, TO_NURSERY)
        return branch

    def _signal(self, pid: int, number: int) -> None:
        if pid in self._members:
            os.kill(pid, number)  # it is a child of ours, so its id cannot be another's
        for branch in self._branches.values():
            try:
                branch.send(SignalMember(pid, number))
            except OSError:
                continue  # its members die with it

    def _bury(self, member: _Member) -> None:
        """A member has ended: end what it left behind, then say so."""
        _, status = os.waitpid(member.pid, 0)
        self._selector.unregister(member.pidfd)
        del self._members[member.pid]
        kernel.end_descendants(self._members)
        os.close(member.pidfd)
        if member.told is None:
            self._forget_branches()
        else:
            _tell(member.told, os.waitstatus_to_exitcode(status))
            os.close(member.told)

    def _forget_branches(self) -> None:
        """One has ended; those that live are asked again when they are needed."""
        for modules, branch in list(self._branches.items()):
            if _hung_up(branch.fileno()):
                branch.close()
                del self._branches[modules]


def _hung_up(descriptor: int) -> bool:
    watch = select.poll()
    watch.register(descriptor, 0)
    return bool(watch.poll(0))


def _tell(descriptor: int, number: int) -> None:
    try:
        os.write(descriptor, b"%d\n" % number)
    except BrokenPipeError:  # nobody listens any more
        pass


def _freeze() -> None:
    """Keep the garbage collection of members from copying the pages of all objects that exist now."""
    gc.collect()
    gc.freeze()


def _become_member(order: ForkMember, own: list[int], parent: int) -> NoReturn:
    """Set up the member, and hand over to its module; never returns."""
    code = _FAILED
    try:
        os.setsid()
        kernel.name_process(order.name)
        if order.linked:
            kernel.die_with_parent()
            if os.getppid() != parent:
                os._exit(code)
        _close_all_but({0, 1, 2, *own})
        importlib.import_module(order.module).be_member(order, own)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else _FAILED
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _become_branch(orders: socket.socket, modules: frozenset[str], parent: int) -> NoReturn:
    """Serve as a nursery that has more modules; never returns."""
    code = _FAILED
    try:
        kernel.die_with_parent()
        if os.getppid() != parent:
            os._exit(code)
        _close_all_but({0, 1, 2, orders.fileno()})
        kernel.adopt_orphans()
        for module in sorted(modules):
            try:
                importlib.import_module(module)
            except Exception:  # of a library that is broken; whoever needs it says so
                sys.excepthook(*sys.exc_info())
        _freeze()
        _Nursery(orders, modules).serve()
        code = 0
    finally:
        os._exit(code)


def _close_all_but(kept: set[int]) -> None:
    for name in os.listdir("/proc/self/fd"):
        if int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:  # the folder's own
                continue


def main() -> None:
    """Entry point; whoever starts it gives the socket and the modules to import."""
    orders = socket.socket(fileno=int(sys.argv[1]))
    # Its users decide when it ends, by closing the socket. Blocked, not ignored: members decide for themselves.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    sys.dont_write_bytecode = True  # a plugin that is edited twice in one second must not run from its old bytecode
    kernel.adopt_orphans()
    kernel.name_process("wl-nursery")
    for module in sys.argv[2:]:
        importlib.import_module(module)
    _freeze()
    _Nursery(orders).serve()


if __name__ == "__main__":
    main()
