"""What every command starts with: the target that was chosen, its environment set, its stack read."""

import os
import sys
from functools import cached_property
from typing import NoReturn, TextIO

from rich.console import Console

from recto.errors import RectoError
from recto_cli.stack import Stack, read_stack
from recto_cli.target import Options, Target, choose
from recto_local.runtime import Runtime, RuntimeInfo

FILE_WIDTH = 140
"""Columns where the output is no terminal."""


def _width(stream: TextIO) -> int | None:
    return None if stream.isatty() else FILE_WIDTH


class Session:
    """One call of the command. Messages go to standard error, so that results can be piped."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.out = Console(width=_width(sys.stdout))
        self.messages = Console(stderr=True, width=_width(sys.stderr))

    @cached_property
    def runtime(self) -> Runtime:
        return Runtime.from_environment(
            os.environ, say=lambda text: self.messages.print(text, highlight=False)
        )

    @property
    def running(self) -> RuntimeInfo | None:
        """The local runtime, where it is up."""
        status = self.runtime.status()
        return status.info if status.is_up else None

    @cached_property
    def target(self) -> Target:
        """Chosen once; says where it goes, and points the AWS SDK there."""
        target = choose(self.options, self.running)
        nothing_up = "; no local runtime is up (recto local up starts one)"
        why = "" if target.is_local or self.options.asks_for_aws else nothing_up
        self.messages.print(f"[dim]using {target.description}{why}[/]", highlight=False)
        self.use(target)
        return target

    def use(self, target: Target) -> None:
        os.environ.update(target.environment)

    @cached_property
    def stack(self) -> Stack:
        return read_stack(self.target.project)

    def fail(self, error: RectoError | str) -> NoReturn:
        """End the command with a message that names the error."""
        name = f"{type(error).__name__}: " if isinstance(error, RectoError) else ""
        self.messages.print(f"[red]{name}[/]{error}", highlight=False)
        raise SystemExit(1)
