"""What objects are like, asked of a vision-language model."""

from provision_dagster.scene_graphs.annotators.found import Answer, Asked
from provision_dagster.scene_graphs.annotators.vlm_configs import AttributesConfig, AttributesEndpointConfig


class VlmAttributes:
    """Asks for the attributes of each object."""

    def __init__(self, config: AttributesConfig | AttributesEndpointConfig) -> None:
        self.config = config

    @property
    def model(self) -> str:
        """Model, revision and vocabulary."""
        raise NotImplementedError

    def load(self) -> None:
        """Read the weights, or see whether the server is there."""
        raise NotImplementedError

    def annotate(self, batch: list[Asked]) -> list[list[Answer]]:
        """Describe the objects of each picture: one answer per object, in their order."""
        raise NotImplementedError
