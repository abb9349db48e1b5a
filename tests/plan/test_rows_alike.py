"""Rules that compare what clients give with what they do not."""

from quantumlayer.plan.plan_tests import plan_tests
from quantumlayer.spec.yaml_form import load_spec

LEAVE = """
version: 1
name: Leave
auth: {entity: person, identifier: email}
entities:
  person:
    plural: people
    fields: {email: {type: string, format: email, unique: true}}
  leave:
    plural: leaves
    fields:
      person: {type: reference, to: person, writable: never, default: actor, inverse: leaves}
      approver: {type: reference, to: person, required: false, inverse: approvals}
    rules:
      not_self: {check: "self.approver == null || self.approver != self.person", message: somebody else approves}
    operations: {create: {access: signed_in}, read: {access: signed_in}, update: {access: signed_in}}
"""


def test_a_row_that_names_whoever_acts_twice_is_looked_for_without_an_end_of_the_plan() -> None:
    plan = plan_tests(load_spec(LEAVE))
    assert any("leaves" in step.path for scenario in plan.scenarios for step in scenario.steps)
