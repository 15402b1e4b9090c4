"""Asset checks: the independent checker looks at a sample of every shard of raw QA."""

import dagster as dg

from provision_dagster.defs.checks import result
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.resources import GenerationResource, StoreResource
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.generators.audit.report import AuditReport
from provision_dagster.generators.audit.sample import audit_sample, faults_table
from provision_dagster.lexicon import Lexicon


def audit_check(family: str) -> dg.AssetChecksDefinition:
    """Make the audit of one family: blocking, since a false answer must not reach a mix."""

    @dg.asset_check(
        asset=family,
        name="audit",
        description="The independent checker finds every answer of a sample right and unambiguous.",
        blocking=True,
        partitions_def=SHARDS,
    )
    def audit(
        context: dg.AssetCheckExecutionContext, store: StoreResource, generation: GenerationResource
    ) -> dg.AssetCheckResult:
        opened, report = store.store(), AuditReport()
        for shard in context.op_execution_context.partition_keys:
            qa = opened.scan(family, partitions=shard).collect()
            report.merge(audit_sample(qa, opened.scan("scene_graphs", partitions=shard), lexicon=Lexicon.load()))
        # the reference's candidates are known to hold false answers
        severity = dg.AssetCheckSeverity.WARN if generation.rules == "paper" else dg.AssetCheckSeverity.ERROR
        return result(faults_table(report), rows=report.checked.total(), severity=severity)

    return audit


AUDITS = [audit_check(family) for family in FAMILIES]
