"""What calls to models took, for Prometheus: read from the account that all workers share."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from quantumlayer.stores.spending import Totals

LABELS = ("model", "role", "outcome")


class ModelCalls(Collector):
    """Counters of the calendar month; they start anew with it. `totals` are set before each reading."""

    def __init__(self) -> None:
        self.totals: Sequence[Totals] = ()

    def collect(self) -> Iterator[CounterMetricFamily]:
        """As the registry asks."""
        calls = CounterMetricFamily("ql_model_calls", "Calls to language models that ended.", labels=LABELS)
        seconds = CounterMetricFamily("ql_model_seconds", "Seconds that calls took.", labels=LABELS)
        tokens = CounterMetricFamily("ql_model_tokens", "Tokens of answered calls.", labels=("model", "role", "direction"))
        money = CounterMetricFamily("ql_model_usd", "US dollars, as far as prices are known.", labels=("model", "role"))
        for row in self.totals:
            calls.add_metric([row.model, row.role, row.outcome], row.calls)
            seconds.add_metric([row.model, row.role, row.outcome], row.seconds)
            if row.outcome == "answered":
                tokens.add_metric([row.model, row.role, "in"], row.input_tokens)
                tokens.add_metric([row.model, row.role, "out"], row.output_tokens)
                money.add_metric([row.model, row.role], row.cost_usd)
        yield from (calls, seconds, tokens, money)
