"""ray: several engines of one kind, each in an actor of Ray, behind sticky routing."""

from ossia.engine.ray._engine import RayEngine, open_ray

__all__ = ["RayEngine", "open_ray"]
