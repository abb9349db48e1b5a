"""Whom sentences speak of is who the file beside them declares."""

from analyst_play import spec_of

from quantumlayer.request.values import SourceFile

STAFF = """
CREATE TABLE vet.staff (
    id bigserial PRIMARY KEY,
    email text NOT NULL UNIQUE,
    role text NOT NULL DEFAULT 'assistant' CHECK (role IN ('assistant', 'vet', 'manager'))
);
CREATE TABLE vet.medicines (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE);
"""
EVENTS = """
type User { id: ID! email: String! }
type Event { id: ID! title: String! host: User! }
type Query { me: User }
type Mutation { createEvent(title: String!): Event! deleteEvent(id: ID!): Boolean! }
"""


def test_rows_with_the_roles_that_are_spoken_of_sign_in() -> None:
    spec = spec_of("Only managers change medicines.", SourceFile(name="vet.sql", text=STAFF))
    assert spec.auth and spec.auth.entity == "staff" and "user" not in spec.entities
    assert "manager" in spec.roles and "role" not in spec.entities["staff"].fields


def test_who_hosts_is_the_host_that_the_file_declares() -> None:
    spec = spec_of("Users host events.", SourceFile(name="e.graphql", text=EVENTS))
    event = spec.entities["event"]
    assert set(event.fields) == {"title", "host"}
    assert event.fields["host"].default == "actor"
    assert event.operations["delete"].access.allow == "self.host == actor"


SCHOOL = """
CREATE TABLE users (id int PRIMARY KEY, email varchar(90) NOT NULL UNIQUE, password_hash char(60) NOT NULL);
CREATE TABLE courses (id int PRIMARY KEY, title varchar(90) NOT NULL, teacher_id int NOT NULL REFERENCES users (id));
CREATE TABLE enrolments (
  course_id int NOT NULL REFERENCES courses (id), student_id int NOT NULL REFERENCES users (id),
  grade decimal(2,1) DEFAULT NULL, PRIMARY KEY (course_id, student_id)
);
"""


def test_who_grades_is_the_teacher_of_the_course_and_says_the_grade() -> None:
    text = "Students enrol in courses, teachers see their own courses. Only the teacher grades an enrolment."
    enrolment = spec_of(text, SourceFile(name="school.sql", text=SCHOOL)).entities["enrolment"]
    grade = enrolment.operations["grade"]
    assert grade.access.allow == "self.course.teacher == actor"
    assert grade.transition is None and set(grade.input) == {"grade"} and grade.effects[0].set == {"grade": "input.grade"}
    assert enrolment.state is None and enrolment.fields["grade"].writable == "never"
    assert "self.student == actor" in enrolment.visible and "self.course.teacher == actor" in enrolment.visible
