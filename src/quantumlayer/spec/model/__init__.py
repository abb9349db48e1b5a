"""The reference model: any checked spec, running in memory. `ReferenceModel(spec, clock).handle(request)`."""

from quantumlayer.spec.model.clock import ManualClock, SystemClock
from quantumlayer.spec.model.reference import Clock, ReferenceModel

__all__ = ["Clock", "ManualClock", "ReferenceModel", "SystemClock"]
