"""Documents that may leave out newer fields, so that older files stay the same."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SerializerFunctionWrapHandler, model_serializer


@dataclass(frozen=True)
class LeftOut:
    """Marks a field that a Document leaves out while the field has no effect.

    `field: Annotated[bool, LeftOut()] = False` is left out while it has its default. Such a field
    can be added later: the documents, and so the fingerprints, of all earlier runs stay the same.

    With `unless=("other", (value, ...))`, the field is left out unless the field `other` has one
    of these values, because the field is used only with them.
    """

    unless: tuple[str, tuple[Any, ...]] | None = None


class Document(BaseModel):
    """A model that is written without those fields marked LeftOut that have no effect."""

    @model_serializer(mode="wrap")
    def _without_left_out(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = serialize(self)
        for name in self._left_out():
            fields.pop(name, None)
        return fields

    def _left_out(self) -> list[str]:
        names = []
        for name, field in type(self).model_fields.items():
            for marker in field.metadata:
                if not isinstance(marker, LeftOut):
                    continue
                if marker.unless is None:
                    silent = getattr(self, name) == field.get_default(call_default_factory=True)
                else:
                    other, values = marker.unless
                    silent = getattr(self, other) not in values
                if silent:
                    names.append(name)
        return names
