"""Pages of lists: `limit`, `offset`, and the answer with `items` and `total`."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from app.wire import QueryInteger

Item = TypeVar("Item")

MAX_LIMIT = 100
DEFAULT_LIMIT = 50
MAX_OFFSET = 2**53 - 1


class PageQuery(BaseModel):
    """Query parameters of every list."""

    limit: Annotated[QueryInteger, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    offset: Annotated[QueryInteger, Field(ge=0, le=MAX_OFFSET)] = 0


class Page(BaseModel, Generic[Item]):
    """Some items of a list; `total` counts all that match."""

    items: list[Item]
    total: int
