"""Structured input → Spec, exactly: OpenAPI, SQL DDL, Mermaid, PlantUML, GraphQL SDL, CSV."""
