"""How objects are related, asked of a vision-language model."""

from provision_dagster.scene_graphs.annotators.found import Answer, Asked
from provision_dagster.scene_graphs.annotators.vlm_configs import RelationsConfig, RelationsEndpointConfig


class VlmRelations:
    """Asks for the relation of each pair."""

    def __init__(self, config: RelationsConfig | RelationsEndpointConfig) -> None:
        self.config = config

    @property
    def model(self) -> str:
        """Model, revision and vocabulary."""
        raise NotImplementedError

    def load(self) -> None:
        """Read the weights, or see whether the server is there."""
        raise NotImplementedError

    def annotate(self, batch: list[Asked]) -> list[list[Answer]]:
        """Relate the objects of each picture: one answer per pair, in their order."""
        raise NotImplementedError
