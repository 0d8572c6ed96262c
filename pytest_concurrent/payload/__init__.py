"""What travels from a worker to the controller: packed on one side, unpacked on the other.

Both directions of each thing stand in one file. Everything packed consists of builtin values,
which the engine's tagged encoding carries; the arrow from here leads only to pytest.
"""
