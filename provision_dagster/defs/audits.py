"""Asset checks: the independent checker looks at a sample of every shard of raw QA."""

from collections.abc import Iterator, Sequence

import dagster as dg

from provision_dagster.defs.checks import result
from provision_dagster.defs.partitions import SHARDS
from provision_dagster.defs.resources import GenerationResource, StoreResource
from provision_dagster.filters.schema import FAMILIES
from provision_dagster.generators.audit.report import AuditReport
from provision_dagster.generators.audit.sample import audit_samples, faults_table
from provision_dagster.lexicon import Lexicon

CHECK = "audit"


def audit_checks(families: Sequence[str]) -> dg.AssetChecksDefinition:
    """Make the audit of families: blocking, since a false answer must not reach a mix.

    One step for all of them, since words and pictures of a shard are laid out once.
    """

    @dg.multi_asset_check(
        name="audits",
        specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=family,
                description="The independent checker finds every answer of a sample right and unambiguous.",
                blocking=True,
                partitions_def=SHARDS,
            )
            for family in families
        ],
        can_subset=True,
    )
    def audits(
        context: dg.AssetCheckExecutionContext, store: StoreResource, generation: GenerationResource
    ) -> Iterator[dg.AssetCheckResult]:
        opened = store.store()
        chosen = sorted(key.asset_key.to_user_string() for key in context.selected_asset_check_keys)
        reports = {family: AuditReport() for family in chosen}
        for shard in context.op_execution_context.partition_keys:
            qa = {family: opened.scan(family, partitions=shard).collect() for family in chosen}
            graphs = opened.scan("scene_graphs", partitions=shard)
            for family, report in audit_samples(qa, graphs, lexicon=Lexicon.load()).items():
                reports[family].merge(report)
        # the reference's candidates are known to hold false answers
        severity = dg.AssetCheckSeverity.WARN if generation.rules == "paper" else dg.AssetCheckSeverity.ERROR
        for family, report in reports.items():
            found = result(faults_table(report), rows=report.checked.total(), severity=severity)
            yield found._replace(asset_key=dg.AssetKey(family), check_name=CHECK)

    return audits


AUDITS = [audit_checks(FAMILIES)]
