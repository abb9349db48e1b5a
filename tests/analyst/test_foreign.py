"""Requests in other languages are told so, however short; English ones with slips and shop talk are read."""

import pytest

from quantumlayer.errors import UserError
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request
from quantumlayer.spec.analyst.foreign import is_foreign
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec


@pytest.mark.parametrize(
    "text",
    [
        "Eine Bibliothek: Mitglieder leihen Bücher aus",
        "ToDo-Liste mit Titel und Datum",
        "Raumbuchung mit Kalender",
        "Une bibliothèque : les membres empruntent des livres",
        "Una biblioteca: los socios toman libros prestados",
        "gestione prenotazioni sale riunioni",
        "uma loja de livros",
        "Zarządzanie zadaniami",
        "En app för att göra listor",
        "Verwaltung von Urlaubsanträgen: Mitarbeiter beantragen Urlaub, Manager genehmigen.",
    ],
)
def test_another_language_is_refused_and_never_built(text):
    with pytest.raises(UserError, match="English"):
        draft_spec(draft_frd(enhance(Request(text=text))))


@pytest.mark.parametrize(
    "text",
    [
        "todo app",
        "CRM",
        "bookmarks api with url title tags",
        "Kanban board w/ swimlanes",
        "Taks manager: each task has a titel, an optinal descripton, a due date and a priorty.",
        "REST API for Zettel: a zettel has a title and a body",
        "",
    ],
)
def test_english_with_slips_and_words_of_the_trade_is_read(text):
    assert not is_foreign([text])
