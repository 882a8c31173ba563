"""What comes too often is held back, and nothing else."""

from pitrix_frontgate.pacing import Pacing


class Clock:
    """Stands until it is told to go on."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_few_may_go_at_once_and_then_one_in_ten_seconds() -> None:
    """Whoever is quiet for a while may do so again."""
    clock = Clock()
    pacing = Pacing(clock=clock)
    went = [pacing.may_go("a") for _ in range(8)]
    clock.now_s = 10
    went += [pacing.may_go("a"), pacing.may_go("a")]
    clock.now_s = 1000
    went += [pacing.may_go("a") for _ in range(7)]

    assert went == [True] * 6 + [False] * 2 + [True, False] + [True] * 6 + [False]


def test_keys_are_paced_each_for_itself() -> None:
    """One node does not hold up the others; one that is forgotten begins anew."""
    pacing = Pacing(clock=Clock())
    for _ in range(7):
        pacing.may_go("a")
    held = [pacing.may_go("a"), pacing.may_go("b")]
    pacing.forget("a")

    assert held == [False, True]
    assert pacing.may_go("a")
