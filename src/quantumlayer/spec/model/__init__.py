"""The reference model: any checked spec, running in memory. `ReferenceModel(spec, clock).handle(request)`."""

from quantumlayer.spec.model.clock import ManualClock, SystemClock
from quantumlayer.spec.model.reference import Clock, ReferenceModel
from quantumlayer.spec.model.surface import SurfaceModel, model_of

__all__ = ["Clock", "ManualClock", "ReferenceModel", "SurfaceModel", "SystemClock", "model_of"]
