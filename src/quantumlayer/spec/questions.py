"""What a person is asked about a document, and how it was answered. Apart from the documents, for these are quick to load."""

from quantumlayer.request.values import Value


class Question(Value):
    """Something that is open. `about` are requirements: of two the answer may name the one that holds; with `restates` the
    answer takes the place of the one that was not understood, and `drop` leaves it out.
    """

    id: str
    text: str
    reason: str = ""
    about: tuple[str, ...] = ()
    restates: bool = False


class Answered(Value):
    """An open question that a person closed, and how."""

    question: str
    answer: str
