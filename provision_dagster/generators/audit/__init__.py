"""The independent checker: decides from the meaning of every question whether its answer is right.

It shares no code with the generators: only the schema of their table and their templates, which are data.
"""

from provision_dagster.generators.audit.frame import audit_frame
from provision_dagster.generators.audit.report import AuditReport

__all__ = ["AuditReport", "audit_frame"]
