"""A form that means something only under the right name makes the column or nothing: never an occurrence in it."""

from detection_columns import classes_of, labels_of

NAMES = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Margaret", "Linus", "Zoë", "Jean-Luc"]


def test_a_few_values_of_the_form_under_its_name_are_no_occurrence() -> None:
    values = [*(f"id_{number}" for number in range(900)), *(f"{NAMES[n % 10]} {'x' * (n // 10)}" for n in range(60))]
    assert classes_of("first_name", values) == {}


def test_some_of_the_form_under_its_name_wait_for_a_person() -> None:
    values = [*(f"id_{n}" for n in range(600)), *(f"{NAMES[n % 10]}{'x' * (n // 10)}" for n in range(300))]
    (label,) = labels_of("first_name", values)
    assert (label.data_class, label.state, label.whole_column) == ("person.given_name", "review", True)
    assert (label.matched, label.scanned) == (300, 900)


def test_the_same_values_under_another_name_say_nothing() -> None:
    assert classes_of("flavour", NAMES * 30) == {}
