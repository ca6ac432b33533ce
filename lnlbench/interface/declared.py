"""What a method declares besides its code: all that decides the spec of its runs."""

from typing import TYPE_CHECKING, TypeAlias

from lnlbench.interface.params import Params as BaseParams
from lnlbench.interface.params import Recipe

if TYPE_CHECKING:
    from lnlbench.interface.method import Method


class Declaration:
    """The declarations of a method without its class, under the names that the class gives them."""

    name: str
    reference: str
    networks: int
    oracle: frozenset[str]
    recipes: dict[str, Recipe]

    @property
    def Params(self) -> type[BaseParams]:
        """The class of the parameters."""
        raise NotImplementedError


Declared: TypeAlias = "type[Method] | Declaration"
