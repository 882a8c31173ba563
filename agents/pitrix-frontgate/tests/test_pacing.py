"""What comes too often is held back, and nothing else."""

from frontgate_harness import Clock

from pitrix_frontgate.pacing import Pacing


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
    """One node does not hold up the others."""
    pacing = Pacing(clock=Clock())
    for _ in range(7):
        pacing.may_go("a")

    held = [pacing.may_go("a"), pacing.may_go("b")]

    assert held == [False, True]


def test_a_key_that_is_deleted_and_written_in_turn_is_paced_all_the_same() -> None:
    """A node may do so with what it reports; one that has rested begins anew."""
    clock = Clock()
    pacing = Pacing(clock=clock)
    went = []
    for _ in range(8):
        went.append(pacing.may_go("a"))
        pacing.forget("a")
    clock.now_s = 60
    pacing.forget("a")
    went += [pacing.may_go("a") for _ in range(7)]

    assert went == [True] * 6 + [False] * 2 + [True] * 6 + [False]
