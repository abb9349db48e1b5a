"""QuantumLayer: from a request in plain language to a verified, packaged, running application."""

__version__ = "0.1.0"
