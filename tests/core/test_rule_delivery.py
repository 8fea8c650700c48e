import pytest

from frostline.core.rule_delivery import Plan, plan

SHARED, A, B = "frostline-shared", "frostline-slos-0", "frostline-slos-1"


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        ({SHARED: "1", A: "2"}, {}, Plan((SHARED, A), (), ())),
        ({SHARED: "1", A: "2"}, {SHARED: "1", A: "2"}, Plan((), (), ())),
        ({SHARED: "1", A: "3"}, {SHARED: "1", A: "2"}, Plan((A,), (), ())),
        ({SHARED: "1"}, {SHARED: "1", B: "2", A: "2"}, Plan((), (A, B), ())),
        ({SHARED: "1", A: "2"}, {A: None, "frostline-theirs": None}, Plan((SHARED,), (), (A,))),
    ],
    ids=["nothing-there", "all-there", "one-changed", "some-too-many", "some-of-others"],
)
def test_what_is_to_be_done(wanted: dict[str, str], found: dict[str, str | None], expected: Plan) -> None:
    assert plan(wanted, found) == expected
