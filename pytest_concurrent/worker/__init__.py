"""The processes that run tests, and the zygote that they are forked from.

Everything here happens in a child of the controller. It imports nothing of `controller`.
"""
