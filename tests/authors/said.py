"""What the scripted models of these tests are asked for, and a right answer of theirs."""

from pathlib import Path

PARCELS = Path(__file__).parents[1] / "units" / "parcels.yaml"
NOTES = """
name: Notes
requirements: {R1: Notes have a title and a text., R2: A title is unique.}
entities:
  note:
    plural: notes
    satisfies: [R1]
    fields: {title: {type: string, unique: true, satisfies: [R2]}, text: text}
    operations: [create, read, list, update, delete]
"""
PYTHON_UNIT = """```python
def parcel_price(weight: int, zone: str) -> int:
    base = 500 if weight <= 1000 else 900 if weight <= 5000 else 1500
    if zone == "B":
        return base * 120 // 100
    return base * 2 if zone == "C" else base
```"""
