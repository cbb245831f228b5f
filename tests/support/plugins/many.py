"""Very many processes."""

from weaver_like.authoring import process


def make(number):
    def run(a: str, b: float = 1, c: list[int] | None = None) -> str:
        return a

    run.__name__ = run.__qualname__ = f"many_{number}"
    return process(id=f"many-{number}", title="One of many processes " * 4)(run)


globals().update({f"many_{number}": make(number) for number in range(300)})
