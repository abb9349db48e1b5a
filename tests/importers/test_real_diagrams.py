"""Diagrams as people draw them: quoted names, composite states, inheritance, notes; all that they say is in, or told."""

import pytest

from quantumlayer.errors import UserError
from quantumlayer.request.enhance import enhance
from quantumlayer.request.values import Request, SourceFile
from quantumlayer.spec.check import checked
from quantumlayer.spec.draft_frd import draft_frd
from quantumlayer.spec.draft_spec import draft_spec
from quantumlayer.spec.values import Spec


def read(name: str, text: str, sentence: str = "") -> Spec:
    return checked(draft_spec(draft_frd(enhance(Request(text=sentence, files=(SourceFile(name=name, text=text),))))))


def unmet(spec: Spec) -> list[str]:
    return [r.text for r in spec.requirements if not r.understood]


CLINIC = """---
title: Veterinary clinic
---
erDiagram
    direction LR
    OWNER ||--o{ PET : owns
    VET ||--|{ APPOINTMENT : handles
    PET ||--o{ APPOINTMENT : "is booked for"
    APPOINTMENT ||--o| INVOICE : "results in"
    INVOICE ||--|{ "INVOICE LINE" : contains
    VET |o--o{ VET : supervises
    PET only one to zero or more STAY : has
    USER ||--o{ STAY : "checked in"
    USER |o--o{ STAY : "checked out"
    OWNER { int id PK
      string email UK
      string phone "may be empty" }
    PET {
        uuid id PK
        int ownerId FK
        string species "dog, cat, other"
        varchar(40) chip
    }
    APPOINTMENT {
        uuid petId FK
        int vetId FK
        datetime startsAt
    }
    INVOICE {
        string number PK
        int appointmentId FK, UK
        decimal(10,3) total
    }
    "INVOICE LINE" {
        int lineNo PK
        string invoiceNumber PK, FK
        string text
    }
    VET { string licenceNo UK }
    USER { string name }
    STAY { date day
      int roomId FK }
"""


def test_an_er_diagram_with_quoted_names_keys_of_two_and_notes() -> None:
    spec = read("clinic.mmd", CLINIC)
    pet, line, vet, stay = (spec.entities[n] for n in ("pet", "invoice_line", "vet", "stay"))
    assert pet.fields["species"].values == ("dog", "cat", "other") and pet.fields["chip"].max_length == 40
    assert not spec.entities["owner"].fields["phone"].required and pet.fields["owner"].required
    assert line.fields["invoice"].to == "invoice" and line.unique[0].fields == ("line_no", "invoice")
    assert vet.fields["supervised_by"].to == "vet" and not vet.fields["supervised_by"].required
    assert spec.entities["invoice"].fields["appointment"].unique and spec.entities["invoice"].fields["total"].places == 3
    people = {n: f.required for n, f in stay.fields.items() if f.to == "user"}
    assert people == {"checked_in": True, "checked_out": False}
    assert unmet(spec) == ["What room_id of stays names is not said"]


SCHOOL = """@startuml
!theme plain
package "People" {
  abstract class Person {
    +id : UUID
    +email : String {unique}
    +fullName() : String
  }
  class Student extends Person {
    +gpa : Double = 0.0
  }
  class Teacher extends Person {
    +subjects : List<String>
  }
}
enum Grade {
  A
  InProgress
}
class Course {
  +title : String
  ..
  +enrol(student : Student)
}
class Enrolment {
  +grade : Grade [0..1]
  +active : Boolean = true
}
class Lesson {
  +day : LocalDate
}
Student "1" --> "*" Enrolment : has
Course "1" *-- "0..*" Enrolment
Teacher "1..*" -- "1..*" Course : teaches >
Lesson --> Course
Course "0..*" --> "0..1" Course : requires
Teacher ..> Grade
note right of Course : at most 30 students
@enduml
"""


def test_a_class_diagram_with_inheritance_composition_and_enumerations() -> None:
    spec = read("school.puml", SCHOOL)
    assert set(spec.entities) == {"student", "teacher", "course", "enrolment", "lesson"}
    student, enrolment, course = (spec.entities[n] for n in ("student", "enrolment", "course"))
    assert student.id and student.id.format == "uuid" and student.fields["email"].unique
    assert student.fields["gpa"].default == "0.0" and spec.entities["teacher"].fields["subjects"].type == "strings"
    assert enrolment.fields["grade"].values == ("A", "InProgress") and not enrolment.fields["grade"].required
    assert (enrolment.fields["course"].on_delete, enrolment.fields["student"].to) == ("cascade", "student")
    assert spec.entities["lesson"].fields["course"].required, "an arrow goes to what is known by what it comes from"
    assert course.fields["requires"].to == "course" and spec.entities["teacher"].fields["courses"].min_items == 1
    told = " ".join(unmet(spec))
    assert len(unmet(spec)) == 2 and "at most 30 students" in told and "enrol of courses" in told


LIFE = """stateDiagram-v2
    state "Waiting for payment" as w
    [*] --> w
    w --> Preparing : payment received
    w --> Cancelled : cancel / send mail
    state Preparing {
        [*] --> Picking
        Picking --> Packing : items complete
        Packing --> [*]
    }
    Preparing --> Shipped : hand over to carrier
    Shipped --> check
    state check <<choice>>
    check --> Delivered : if at home
    check --> Returned : if not
    note right of Shipped
        Tracking code is mandatory
    end note
"""


def test_composite_states_choices_and_notes() -> None:
    spec = read("order_lifecycle.mmd", LIFE, "Orders have a number.")
    order = spec.entities["order"]
    moves = {n: (o.transition.from_states, o.transition.to) for n, o in order.operations.items() if o.transition}
    assert moves == {
        "payment_received": (("waiting_for_payment",), "picking"),
        "cancel": (("waiting_for_payment",), "cancelled"),
        "items_complete": (("picking",), "packing"),
        "hand_over_to_carrier": (("packing",), "shipped"),
        "deliver": (("shipped",), "delivered"),
        "return": (("shipped",), "returned"),
    }
    told = " ".join(unmet(spec))
    assert all(w in told for w in ("Tracking code", "send mail", "if at home", "if not")) and len(unmet(spec)) == 4


REQUEST = """@startuml
hide empty description
state "Purchase request" as PR {
  [*] --> Draft
  Draft --> Submitted : submit()
  Submitted --> Approved : approve [amount < 1000]
  Submitted --> Escalated : escalate
  Escalated -[#blue]-> Approved : approve
  Submitted --> Rejected : reject
}
Rejected -right-> [*]
@enduml
"""


def test_a_state_around_all_names_the_thing_and_conditions_are_guards() -> None:
    spec = read("door.puml", REQUEST, "Employees create purchase requests with a title and an amount.")
    request = spec.entities["purchase_request"]
    approve = request.operations["approve"]
    assert approve.transition and approve.transition.from_states == ("submitted", "escalated")
    assert [g.check for g in approve.guards.values()] == ["self.status != 'submitted' || self.amount < 1000.0"]
    assert not unmet(spec)
    assert [t for t in unmet(read("door.puml", REQUEST)) if "amount < 1000" in t], "without an amount it is told"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.mmd", "stateDiagram-v2\n A --> B : x\n state C {\n  D --> E\n", r"a\.mmd:3: the block of C is not closed"),
        ("a.mmd", "stateDiagram-v2\n A --> B : x\n }\n", r"a\.mmd:3: } without"),
        ("a.mmd", "stateDiagram-v2\n A => B\n", r"a\.mmd:2"),
        ("a.mmd", "erDiagram\n A |--o{ B : x\n", r"a\.mmd:2"),
        ("a.puml", "@startuml\nclass A {\n x : Int\n", r"a\.puml:2.*not closed"),
        ("a.puml", "@startuml\nclass A is good\n@enduml", r"a\.puml:2"),
    ],
)
def test_mistakes_name_their_line(name: str, text: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as caught:
        read(name, text)
    assert caught.value.hint


def test_a_key_called_after_no_entity_names_the_one_relation_to_rows_of_its_own() -> None:
    text = 'erDiagram\n  SHOP ||--o{ CLERK : has\n  CLERK |o--o{ CLERK : "reports to"\n  SHOP { string name }\n'
    spec = read("shop.mmd", text + "  CLERK { string name\n    int manager_id FK }\n")
    assert spec.entities["clerk"].fields["manager"].to == "clerk" and not unmet(spec)


def test_a_multiplicity_in_a_class_is_no_state() -> None:
    spec = read(
        "t.puml",
        "@startuml\nclass Ticket {\n+subject : String\n+tags : String[*]\n}\nclass Agent {\n+name : String\n}\n@enduml",
    )
    assert set(spec.entities) == {"ticket", "agent"}
    assert spec.entities["ticket"].fields["tags"].type == "strings"
