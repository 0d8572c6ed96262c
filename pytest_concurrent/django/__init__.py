"""Django: what its settings say of databases, and how their templates are built.

To be imported only where Django is configured.
"""
