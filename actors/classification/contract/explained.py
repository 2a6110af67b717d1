"""Why something is of a class, as a value."""

from pydantic import BaseModel, ConfigDict, Field

from cluster.ml.local import Local


class Explanation(BaseModel):
    """Why something is of a class: one sentence, and the figures behind it (`cluster.ml.lime`).

    `reasons` are those of the answer itself. `contributions` are log-odds by feature where the column model took part
    (SHAP values of its trees), the strongest first.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    data_class: str = Field(alias="class")
    sentence: str
    local: Local
    reasons: tuple[str, ...] = ()
    contributions: tuple[tuple[str, float], ...] = ()
