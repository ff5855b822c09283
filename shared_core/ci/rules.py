"""The classes of what goxray ci finds, in words: what it means, and where to look."""

from __future__ import annotations

from typing import Dict, NamedTuple


class Rule(NamedTuple):
    """short: one line. help: what to do about it."""

    short: str
    help: str


_STACK = "The stack of the goroutine that crashed shows where"
RULES: Dict[str, Rule] = {
    "memory:nil-deref": Rule("nil pointer dereference", f"{_STACK}; the address is the offset of the field."),
    "memory:out-of-bounds": Rule("index or slice bounds out of range", "The message has the index and the length."),
    "memory:nil-map": Rule("assignment to entry in a nil map", "The map was never made: see who should have."),
    "memory:bad-size": Rule("make with a size out of range", "The size that make or append was given is not sane."),
    "memory:bad-address": Rule(
        "fault at an address that is not nil", "unsafe, cgo, a stale mapping, or memory that was damaged before."
    ),
    "arithmetic:divide-by-zero": Rule("integer divide by zero", f"{_STACK}."),
    "arithmetic:overflow": Rule("integer overflow", f"{_STACK}."),
    "arithmetic:negative-shift": Rule("negative shift amount", f"{_STACK}."),
    "type:assertion": Rule("type assertion failed", "The message names the type that it holds and the one wanted."),
    "type:unhashable": Rule("hash of a type that cannot be hashed", "A key of an interface type holds a slice or map."),
    "type:uncomparable": Rule("comparison of a type that cannot be compared", "An interface holds a slice or map."),
    "channel:closed": Rule("send on, or close of, a closed channel", "Two goroutines disagree on who closes it."),
    "channel:close-of-nil": Rule("close of a nil channel", "The channel was never made."),
    "concurrency:map-writes": Rule("concurrent use of a map", "Guard the map by a lock; go build -race finds both."),
    "concurrency:deadlock": Rule("all goroutines are asleep", "go-waits tells what each goroutine waits for."),
    "concurrency:lock-cycle": Rule(
        "goroutines wait for each other's locks", "Take the locks in one order. Who holds a lock is inferred: go-waits."
    ),
    "concurrency:unlock-of-unlocked": Rule("unlock of a lock that is not locked", f"{_STACK}."),
    "resource:stack-overflow": Rule("stack overflow", "Functions on the stack call each other without end."),
    "resource:oom": Rule("out of memory", "go-memory tells what the heap holds, go-goroutines --stats what stacks do."),
    "resource:too-many-threads": Rule("too many threads", "Each goroutine in a call or in C keeps one: go-threads."),
    "runtime:throw": Rule("fatal error of the runtime", "Memory that was damaged, or a bug of Go's: see the message."),
    "runtime:fault": Rule("fault in the runtime's own code", "Memory that unsafe or C code damaged, as a rule."),
    "network:refused": Rule("panic with a refused connection", "What was dialled does not listen."),
    "network:name": Rule("panic with a name that was not resolved", "The message has the name and the server."),
    "timeout:context": Rule("panic with context.DeadlineExceeded", "What the deadline was for took longer."),
    "timeout:network": Rule("panic with a connection that timed out", "The other side did not answer."),
    "timeout:io": Rule("panic with os.ErrDeadlineExceeded", "The deadline of a file or connection has passed."),
    "panic:user": Rule("panic of the program's own", "The value that panic was called with is in the message."),
    "panic:error": Rule("panic with an error", "The message is the error's; go-crash shows what it wraps."),
    "panic:nil": Rule("panic with nil", "panic was called with nil."),
    "panic:runtime": Rule("panic of the runtime", "The message tells."),
    "cgo:signal": Rule("signal in C code", "go-threads -t has the frames of C."),
    "signal:own": Rule("signal that the program sent itself", "abort, raise or kill in it."),
    "signal:external": Rule("signal from outside", "Somebody stopped it: a timeout, a probe, the user."),
    "signal:trap": Rule("breakpoint trap", "runtime.Breakpoint, or an int3 or brk instruction."),
    "signal:illegal-instruction": Rule("illegal instruction", "Code for another processor, or no code at all."),
    "signal:bad-system-call": Rule("system call that is not allowed", "A seccomp filter stands against it."),
    "leak:unreachable": Rule("goroutine that nothing can wake", "Nothing that can run refers to what it waits for."),
    "leak:nil": Rule("goroutine that waits at nil", "A nil channel, or a select with no cases: nothing ends that."),
    "leak:timer": Rule("goroutine that waits for a timer that never fires", "It was stopped, or is due in a century."),
    "leak:runtime": Rule("goroutine that the runtime's leak detection found", "Go's own goroutineleak profile has it."),
    "leak:cycle": Rule("goroutine in a cycle of locks", "Who holds a lock is inferred: go-waits."),
    "leak:lock": Rule("goroutines that have long waited for a lock", "Its holder is stuck, or forgot to unlock."),
    "leak:senders": Rule("senders without a receiver", "The receiver went away before the channel was empty."),
    "leak:long": Rule("goroutine that has waited long", "That may be by design."),
    "leak:crowd": Rule("many goroutines with one stack and one creator", "They may pile up."),
}  # fmt: skip


def rule(name: str) -> Rule:
    """Of any class, also one that came after this table."""
    return RULES.get(name) or Rule(name.replace(":", ": "), "go-crash, go-waits and go-leaks have the evidence.")
