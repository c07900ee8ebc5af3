"""Two methods of one's own, as own_method.ts uses them: the whole of what there is to write."""

from torch import Tensor

from aai_worker.plugins import attention, contrast


@attention
def focus(x: Tensor, reference: Tensor, generated: int, *, alpha: float = 0.3, fade: int = 20) -> Tensor:
    """AAI on patches that the vision encoder looks at more than on average, grown in over `fade` tokens."""
    strength = alpha * min(1, (generated + 1) / fade)
    return x + strength * (reference - 1).clamp(min=0) * x.abs()


@contrast(stream="imageFree")
def doubt(main: Tensor, other: Tensor, *, weight: float = 0.5, sure: float = 0.9) -> Tensor:
    """(1 + weight) * l - weight * l(no image), where the likeliest token is not likelier than `sure`."""
    if main.softmax(dim=-1).max() > sure:
        return main
    return (1 + weight) * main - weight * other
