"""The judge: scripted checks, random testing, concurrency and time, all against the reference model."""

from quantumlayer.evidence.judge.app import App
from quantumlayer.evidence.judge.run import THOROUGH, Budget, judge

__all__ = ["THOROUGH", "App", "Budget", "judge"]
