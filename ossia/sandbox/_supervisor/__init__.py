"""The program that runs as PID 1 of a sandbox. Its sources are sent in over stdin: see `ossia.sandbox._boot`.

Nothing here may import from the rest of ossia, or from outside the standard library except what a function imports
when it is called (pyzmq to relay a kernel, ipykernel to be one).
"""
